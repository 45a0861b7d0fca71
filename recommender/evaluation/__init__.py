"""Evaluation on held-out plays: running it, storing the figures, and charts."""
