"""Learning from what curators corrected."""
