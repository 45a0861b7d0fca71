"""Signals of the catalog; each is sent once the transaction that caused it has committed.

`tagging_needed(song_ids)`: these songs have audio that no tagger has tagged yet.
`labels_changed(song_ids)`: labels of these songs were added, changed or removed; None stands for any song.
`played(user, song)`: a listener played a song; None stands for any listener, or any song.

Ratings, refusals and nudges have no signal: a taste profile is computed from them when it is asked for.
"""

from django.dispatch import Signal

tagging_needed = Signal()
labels_changed = Signal()
played = Signal()
