"""Backups: everything that cannot be made again, in one file that any database can be restored from."""
