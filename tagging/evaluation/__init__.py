"""Evaluation of taggers: against truth, against other taggers, and stability under alterations of the audio."""
