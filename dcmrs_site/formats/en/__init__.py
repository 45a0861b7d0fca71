"""The English formats, by Django's names."""
