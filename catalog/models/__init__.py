"""The data that every app shares."""

from .changes import SongChange
from .curation import CurationAction, CurationChange, CurationItem
from .doubts import LabelDoubt
from .embeddings import PublishedEmbedding, SongEmbedding
from .favourites import CollectionOpinion, FavouriteSong
from .labels import Label, LabelAlias, LabelAssignment, SongLabel, SongLabelQuerySet
from .listening import Listener, NotThis, Nudge, Play, PlayCount, Rating
from .pictures import ArtistPicture, CoverLookup
from .playback import Bookmark, NowPlaying, PlayQueue
from .playlists import Playlist, PlaylistSong
from .processes import Alert, Installation, ProcessSign
from .song_merging import MergedSong
from .songs import DuplicateFile, LibraryRoot, RefusedFile, Song, SongIdentifier, SongQuerySet
from .sound_details import SoundDetails

__all__ = [
    "Alert",
    "ArtistPicture",
    "Bookmark",
    "CollectionOpinion",
    "CoverLookup",
    "CurationAction",
    "CurationChange",
    "CurationItem",
    "DuplicateFile",
    "FavouriteSong",
    "Installation",
    "Label",
    "LabelAlias",
    "LabelAssignment",
    "LabelDoubt",
    "LibraryRoot",
    "Listener",
    "MergedSong",
    "NotThis",
    "NowPlaying",
    "Nudge",
    "Play",
    "PlayCount",
    "PlayQueue",
    "Playlist",
    "PlaylistSong",
    "ProcessSign",
    "PublishedEmbedding",
    "Rating",
    "RefusedFile",
    "Song",
    "SongChange",
    "SongEmbedding",
    "SongIdentifier",
    "SongLabel",
    "SongLabelQuerySet",
    "SongQuerySet",
    "SoundDetails",
]
