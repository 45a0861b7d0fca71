"""The data that every room shares."""

from .changes import SongChange
from .curation import CurationAction, CurationChange, CurationItem
from .doubts import LabelDoubt
from .embeddings import SongEmbedding
from .joining import JoinedSong
from .labels import Label, LabelAlias, LabelAssignment, SongLabel
from .listening import Listener, NotThis, Nudge, Play, PlayCount, Rating
from .playlists import Playlist, PlaylistSong
from .songs import DuplicateFile, LibraryRoot, Song, SongIdentifier
from .uploads import UploadAllowance

__all__ = [
    "CurationAction",
    "CurationChange",
    "CurationItem",
    "DuplicateFile",
    "JoinedSong",
    "Label",
    "LabelAlias",
    "LabelAssignment",
    "LabelDoubt",
    "LibraryRoot",
    "Listener",
    "NotThis",
    "Nudge",
    "Play",
    "PlayCount",
    "Playlist",
    "PlaylistSong",
    "Rating",
    "Song",
    "SongChange",
    "SongEmbedding",
    "SongIdentifier",
    "SongLabel",
    "UploadAllowance",
]
