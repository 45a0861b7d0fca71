"""The recommender engine: numpy and scipy, no Django. Songs and labels are positions in arrays.

`interface` defines the training data and the protocol of a model part; `methods` registers the methods. `tfidf` weighs
annotations; `ranking` and `diversity` turn scores into lists; `query_parser` parses typed queries.
"""
