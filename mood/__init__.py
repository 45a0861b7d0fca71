"""Mood: the expression of a face, or a word, becomes a query of labels."""
