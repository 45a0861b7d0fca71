"""Snapshots: training data, builds, storage, and the current models."""
