"""The recommender's part of the API, one module a subject."""
