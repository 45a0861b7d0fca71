"""Faults, bounded and on this machine alone; each prints what was lost, how long until all was well, what was told."""
