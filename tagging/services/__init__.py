"""Labelling the library: the first pass, the second one, and relabelling."""
