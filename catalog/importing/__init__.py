"""Bringing music, labels and ratings in from files.

Reading is plain Python without Django: `walking` (folders), `reading` (all that is read from one audio file, with
`fingerprint`, `tags`, `names` and `pictures`), `tables` (labels, ratings). `roots` and `identity` ask the database
which root a path belongs to and which song a file is. `catalog.services.library` and `catalog.services.tables`
put the two together.
"""
