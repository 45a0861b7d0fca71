"""The one vocabulary of labels, and what several networks say merged into it."""
