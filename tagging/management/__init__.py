"""Commands of tagging, and what they share."""
