"""Commands of tagging."""
