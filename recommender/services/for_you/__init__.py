"""The page For you: its rows, the reason of each song, and the cold start of new listeners."""
