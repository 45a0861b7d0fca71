"""Management commands of mood."""
