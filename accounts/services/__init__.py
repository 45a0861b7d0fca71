"""What pages, API and admin do with accounts."""
