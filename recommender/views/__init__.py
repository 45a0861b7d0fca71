"""The recommender's pages and fragments, one module a subject."""
