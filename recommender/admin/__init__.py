"""The recommender's part of the admin: Django loads the model pages from here."""

from . import models

__all__ = ["models"]
