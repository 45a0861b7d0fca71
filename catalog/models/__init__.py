"""The data that every room shares."""

from .embeddings import SongEmbedding
from .joining import JoinedSong
from .labels import Label, LabelAlias, LabelAssignment, SongLabel
from .listening import Listener, NotThis, Nudge, Play, PlayCount, Rating
from .songs import DuplicateFile, LibraryRoot, Song, SongIdentifier

__all__ = [
    "DuplicateFile",
    "JoinedSong",
    "Label",
    "LabelAlias",
    "LabelAssignment",
    "LibraryRoot",
    "Listener",
    "NotThis",
    "Nudge",
    "Play",
    "PlayCount",
    "Rating",
    "Song",
    "SongEmbedding",
    "SongIdentifier",
    "SongLabel",
]
