"""Training taggers; needs no Django.

`sources` collects recordings and their annotations, `spectrograms` computes and stores each recording's spectrogram
once, and `dataset` turns both into arrays and holds artists out. `mixing` makes clips of recordings: for `teaching`,
where published taggers label them, and for `augmentation`, where people's annotations hold. `loop` trains, `scores`
evaluates held-out recordings, `original` is the recipe of 2018, and `recipes` runs a whole training. `finetuning` tunes
a trained network to curators' corrections.
"""
