"""The API of songs, labels, playlists, and of what a listener rates, plays, refuses and nudges."""
