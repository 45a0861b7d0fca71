"""Training the expression network on FER-2013."""

from mood.training.loop import Plan, train

__all__ = ["Plan", "train"]
