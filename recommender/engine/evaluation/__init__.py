"""How good recommenders are, measured on plays that they have not seen: numpy and scipy, no Django.

`protocols` holds plays out; `metrics` compares rankings with them; `baselines` are what a method must beat;
`bootstrap` says how sure a difference is; `comparison` runs all methods over all splits.
"""
