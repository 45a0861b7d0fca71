"""What `catalog` announces, once the transaction that did it is committed.

`labels_changed(song_ids)`: labels of these songs were added, changed or removed; None means any song.
`rated(user, song)`, `played(user, song)`: a listener rated, or played, a song.
"""

from django.dispatch import Signal

labels_changed = Signal()
rated = Signal()
played = Signal()
