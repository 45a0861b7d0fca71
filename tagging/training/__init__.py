"""Training taggers; needs no Django.

`sources` gathers recordings and what is said of them, `spectrograms` computes what is heard of each, once, and
`dataset` brings both into arrays and chooses whom to keep out. `mixing` makes clips of recordings: for `teaching`,
where published taggers label them, and for `augmentation`, where what people said holds. `loop` trains, `scores` looks
at the recordings that were kept out, `original` is the recipe of 2018, and `recipes` is the whole of it.
"""
