"""What pages, API, admin and commands do with the catalog's data."""
