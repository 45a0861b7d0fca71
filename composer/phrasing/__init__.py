"""Melodies, basses, accompaniments and drum patterns: what is played over a harmony.

Patterns are strings, one sign a step, so that they can be read as a musician would tap them.
"""
