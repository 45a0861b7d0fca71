"""The taggers that are here: registry, files, installing."""
