"""All that the library wants to know of one audio file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from ..audio_frames import UnreadableAudio
from ..audio_lengths import AudioProbe, probe
from ..file_parts import file_of
from .fingerprint import fingerprint
from .names import guess_tags
from .pictures import Cover, Covers
from .tags import Tags, read_tags, tags_of_track
from .walking import FoundFile, reason


@dataclass(frozen=True, slots=True)
class AudioFile:
    """An audio file that has been read.

    Attributes
    ----------
    found : FoundFile
        Path, size and time as they were before it was read.
    fingerprint : str
        The same for every file with this recording, see `importing.fingerprint`.
    sound : AudioProbe
    tags : Tags
        What the file says of itself, without the picture.
    guessed : Tags
        What its name and folders say.
    cover : Cover or None
    artist_picture : Cover or None
        From the tags.
    """

    found: FoundFile
    fingerprint: str
    sound: AudioProbe
    tags: Tags
    guessed: Tags
    cover: Cover | None
    artist_picture: Cover | None = None


def read_audio_file(root: Path, found: FoundFile, covers: Covers) -> AudioFile:
    """Read a file of a library root; it is never in memory as a whole.

    Raises
    ------
    UnreadableAudio
        If it is no audio file, or not all of one.
    """
    path = root / found.path
    sound = probe(path)
    file = root / file_of(found.path)
    tags = read_tags(file)
    if found.track is not None:
        tags = tags_of_track(found.track, tags)
    elif tags.tracks and tags.tracks[-1].start_s >= sound.duration_s:
        # The sheet of an album, left in one of the songs that it was parted into.
        tags = replace(tags, tracks=())
    try:
        return AudioFile(
            found=found,
            fingerprint=fingerprint(path),
            sound=sound,
            tags=tags,
            guessed=guess_tags(file_of(found.path), tags, numbered=found.numbered),
            cover=covers.of(file, tags.pictures),
            artist_picture=covers.first(tags.artist_pictures),
        )
    except OSError as error:
        raise UnreadableAudio(reason(error)) from error
