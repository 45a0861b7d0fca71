"""The endpoints, one subject a file; each registers itself in `registry`."""
