"""The science of recommending: numpy and scipy, no Django. Songs and labels are numbers, the columns of arrays.

`tfidf` turns words on songs into weights; `interface` says what a recommender takes and gives; `content` and
`popularity` are recommenders; `ranking` and `variety` make lists of their scores.
"""
