"""The taggers: what is known of each, where its weights lie, how they are installed and loaded."""

from __future__ import annotations

import hashlib
import os
import tempfile
import tomllib
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from catalog.home import models_dir

from .frontend import Scaling

if TYPE_CHECKING:
    from .inference import Tagger

BUNDLED = Path(__file__).parent / "weights"
_TIMEOUT_S = 30.0
_CHUNK = 1 << 16


class TaggerError(Exception):
    """Something is wrong with a tagger or its weights; the message says what, and what to do."""


class NotInstalled(TaggerError):
    """A tagger's weights are not here, or those of none."""


@dataclass(frozen=True, slots=True)
class TaggerLabel:
    """One output of a tagger.

    Attributes
    ----------
    name : str
        As published.
    kind : str
        A `catalog.models.Label.Kind`.
    operating_point : float
        The probability from which a song keeps the label.
    """

    name: str
    kind: str
    operating_point: float


@dataclass(frozen=True, slots=True)
class Description:
    """What is known of a tagger, as `taggers.toml` has it.

    Attributes
    ----------
    name : str
    network : str
        One of `networks.NETWORKS`.
    scaling : Scaling
        From the power mel spectrogram to what the network was trained on.
    labels : tuple of TaggerLabel
        In the order of the network's outputs.
    address : str
        Where its authors publish the weights.
    sha256 : str
        Of the weights.
    bytes : int
        Size of the weights.
    licence, source, score : str
        The weights' licence, who trained them on what, and how good their authors found them.
    """

    name: str
    network: str
    scaling: Scaling
    labels: tuple[TaggerLabel, ...]
    address: str
    sha256: str
    bytes: int
    licence: str
    source: str
    score: str

    @property
    def file_name(self) -> str:
        """The name of the weights' file here."""
        return self.name + PurePosixPath(urlsplit(self.address).path).suffix

    @property
    def weights(self) -> Path | None:
        """Where the weights lie: installed, else bundled, else None."""
        places = (models_dir() / self.file_name, BUNDLED / self.file_name)
        return next((place for place in places if place.is_file()), None)


@cache
def known() -> dict[str, Description]:
    """Every tagger that this program knows, by name, the default one first."""
    tables = tomllib.loads((Path(__file__).parent / "taggers.toml").read_text(encoding="utf-8"))
    return {
        name: Description(
            name=name,
            scaling=Scaling(**table.pop("scaling")),
            labels=tuple(TaggerLabel(**label) for label in table.pop("labels")),
            **table,
        )
        for name, table in tables.items()
    }


def describe(name: str) -> Description:
    """What is known of a tagger.

    Raises
    ------
    TaggerError
        If there is none of this name.
    """
    if (description := known().get(name)) is None:
        raise TaggerError(f"no tagger is called {name}: there are {', '.join(known())}")
    return description


def installed() -> list[str]:
    """The names of the taggers whose weights are here, the default one first."""
    return [name for name, description in known().items() if description.weights]


def default() -> str:
    """The tagger that is used where none is named: the first that is installed.

    Raises
    ------
    NotInstalled
        If none is.
    """
    if not (names := installed()):
        raise NotInstalled(f"no tagger is installed: manage.py taggers install {next(iter(known()))}")
    return names[0]


def load(name: str) -> Tagger:
    """A tagger, ready to listen.

    Raises
    ------
    TaggerError
        If there is none of this name, its weights are not here, or they are damaged.
    """
    # Reading the registry and installing must not cost the second that PyTorch takes to import.
    from .inference import Tagger
    from .networks import read

    description = describe(name)
    if (weights := description.weights) is None:
        raise NotInstalled(f"{name} is not installed: manage.py taggers install {name}")
    if not _is(weights, description):
        raise TaggerError(f"the weights of {name} are damaged: manage.py taggers install {name}")
    return Tagger(description, read(description.network, weights, len(description.labels)))


def verify() -> dict[str, bool]:
    """Whether the weights of each installed tagger are what their authors published, by name."""
    return {
        name: _is(weights, description) for name, description in known().items() if (weights := description.weights)
    }


def install(name: str, file: str | os.PathLike[str] | None = None) -> Path:
    """Put a tagger's weights where `load` finds them, downloaded or from a file.

    Nothing bears the weights' name before they are complete and their checksum is right.

    Parameters
    ----------
    name : str
    file : path, optional
        The weights' file, or a folder with it under any name; downloaded from their authors where it is None.

    Returns
    -------
    Path
        Where they are now.

    Raises
    ------
    TaggerError
        If the weights cannot be had, or are not the published ones.
    """
    description = describe(name)
    if file is None:
        return _download(description)
    path = Path(file)
    if path.is_dir():
        if name not in (found := _recognised(path, [description])):
            raise TaggerError(f"no file in {path} holds the weights of {name}")
        path = found[name]
    try:
        with path.open("rb") as weights:
            return _store(description, weights, str(path))
    except OSError as error:
        raise TaggerError(f"{error.filename or path}: {error.strerror or error}") from error


def install_from_folder(folder: str | os.PathLike[str]) -> dict[str, Path]:
    """Install every known tagger whose weights lie in a folder, whatever the files are called.

    Returns
    -------
    dict of str to Path
        Where the weights of each tagger that was installed are now, by name.

    Raises
    ------
    TaggerError
        If the folder cannot be read, or holds no tagger's weights.
    """
    path = Path(folder)
    if not path.is_dir():
        raise TaggerError(f"{path} is not a folder")
    if not (found := _recognised(path, known().values())):
        raise TaggerError(f"no file in {path} holds the weights of {' or '.join(known())}")
    return {name: install(name, file) for name, file in found.items()}


def _recognised(folder: Path, candidates: Iterable[Description]) -> dict[str, Path]:
    """The files in a folder that are the weights of one of the candidates, by the tagger's name."""
    try:
        files = sorted(file for file in folder.iterdir() if file.is_file())
    except OSError as error:
        raise TaggerError(f"{folder}: {error.strerror or error}") from error
    return {
        description.name: file
        for description in candidates
        for file in files
        if file.stat().st_size == description.bytes and _is(file, description)
    }


def _is(file: Path, description: Description) -> bool:
    """Whether a file holds a tagger's weights, by their checksum."""
    try:
        with file.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest() == description.sha256
    except OSError:
        return False


class _StayWithHttps(HTTPRedirectHandler):
    """Follows redirections, but never from HTTPS to anything less."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: object, newurl: str
    ) -> Request | None:
        if urlsplit(req.full_url).scheme == "https" != urlsplit(newurl).scheme:
            raise TaggerError(f"{urlsplit(req.full_url).hostname} sends on to an address without HTTPS")
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]


def _download(description: Description) -> Path:
    host = urlsplit(description.address).hostname
    offline = f"manage.py taggers install {description.name} --from FILE takes them from a file"
    try:
        with closing(build_opener(_StayWithHttps).open(description.address, timeout=_TIMEOUT_S)) as answer:
            return _store(description, answer, description.address)
    except HTTPError as error:
        raise TaggerError(f"{host} answers {error.code} {error.reason} for {description.address}; {offline}") from error
    except URLError as error:
        reason = getattr(error.reason, "strerror", None) or error.reason
        raise TaggerError(f"{host} cannot be reached ({reason}); {offline}") from error
    except (TimeoutError, ConnectionError, HTTPException) as error:
        raise TaggerError(f"the connection to {host} broke off ({error or type(error).__name__}); {offline}") from error
    except OSError as error:
        raise TaggerError(f"{error.filename or models_dir()}: {error.strerror or error}") from error


def _store(description: Description, source: IO[bytes], origin: str) -> Path:
    """Copy weights to their place, complete and verified before they have their name there."""
    destination = models_dir() / description.file_name
    destination.parent.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with tempfile.NamedTemporaryFile(dir=destination.parent, prefix=f".{description.name}.", delete=False) as draft:
        unfinished = Path(draft.name)
        try:
            while chunk := source.read(_CHUNK):
                size += len(chunk)
                if size > description.bytes:
                    raise TaggerError(f"{origin} is not {description.name}: larger than {description.bytes} bytes")
                digest.update(chunk)
                draft.write(chunk)
            if size < description.bytes:
                raise TaggerError(f"{origin} is cut off: {size} of the {description.bytes} bytes of {description.name}")
            if digest.hexdigest() != description.sha256:
                raise TaggerError(f"{origin} is not {description.name}: its checksum is wrong")
            draft.flush()
            os.fsync(draft.fileno())
            unfinished.chmod(0o644)
            unfinished.replace(destination)
        finally:
            unfinished.unlink(missing_ok=True)
    return destination
