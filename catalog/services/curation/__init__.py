"""Curating labels: what to look at first, deciding it, many at once; all of it logged, and undone exactly.

`queue` and `candidates`: what comes first. `decisions` and `bulk`: deciding. `log` and `undo`: what was done, and back.
"""
