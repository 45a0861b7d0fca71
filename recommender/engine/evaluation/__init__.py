"""Evaluation of recommenders on held-out plays: numpy and scipy, no Django.

`protocols` splits plays; `metrics` measures rankings; `baselines` are the methods to beat; `bootstrap` gives confidence
intervals; `comparison` runs all methods over all splits; `choosing` searches hyperparameters.
"""
