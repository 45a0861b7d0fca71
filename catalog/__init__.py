"""Songs, artists, albums, labels, ratings, plays and playlists: the data that every app shares."""
