"""What `catalog` announces, once the transaction that did it is committed.

`songs_added(song_ids)`: these songs have audio that has not been listened to yet.
`labels_changed(song_ids)`: labels of these songs were added, changed or removed; None means any song.
`rated(user, song)`, `played(user, song)`: a listener rated, or played, a song; None means any listener,
any song.
"""

from django.dispatch import Signal

songs_added = Signal()
labels_changed = Signal()
rated = Signal()
played = Signal()
