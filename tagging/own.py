"""Weights of the project's own: safetensors files that describe themselves.

The tensors are those of a `WholeSongCnn`: convolutions in half precision, what is small in single. The metadata holds
`description` (JSON) and `sha256`, of the description and all tensors, so that damage anywhere is noticed. Such files
are also what an owner is sent by somebody else: nothing in one is run, and nothing is believed before it was looked at.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from .descriptions import OwnTagger, TaggerError, TaggerLabel
from .drafts import draft_of

if TYPE_CHECKING:
    from .wholesong import WholeSongCnn

NETWORK = "whole-song-cnn-2"
_EARLIER = "whole-song-cnn"
SUFFIX = ".safetensors"

_LARGEST_FILE = 32 << 20
_LARGEST_HEADER = 512 << 10
_MOST_LABELS = 1000
_KINDS = frozenset({"genre", "mood", "instrument", "era", "vocals", "other"})
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,59}")
_LONGEST_LABEL = 100
_TEXTS = ("embedding", "source", "licence", "score")
_LABEL_WEIGHT, _LABEL_BIAS = "labels.weight", "labels.bias"
# Small, and the numbers that everything else is multiplied with.
_IN_SINGLE_PRECISION = ("mean", "scale", "labels.", "normalization.")
_COUNTER = "num_batches_tracked"


def is_name(text: str) -> bool:
    """Whether a tagger can be called so: small letters, digits, dots and dashes, at most 60."""
    return _NAME.fullmatch(text) is not None


def write_weights(path: Path, network: WholeSongCnn, description: OwnTagger) -> OwnTagger:
    """Write a network to a file that describes itself; complete before it has its name.

    Parameters
    ----------
    path : Path
        Folders that are not there are made. The file's name has to be the tagger's, with `.safetensors`.
    network : WholeSongCnn
        With as many labels as the description has.
    description : OwnTagger

    Returns
    -------
    OwnTagger
        The description as `read_description` finds it at `path`.

    Raises
    ------
    TaggerError
        If the network holds anything but finite numbers in half precision's range, or the description is not one.
    """
    from safetensors.torch import save

    tensors = {}
    for name, tensor in network.state_dict().items():
        if name.endswith(_COUNTER):
            continue
        single = name.startswith(_IN_SINGLE_PRECISION) or _IN_SINGLE_PRECISION[-1] in name
        tensors[name] = (tensor.detach().cpu().float() if single else tensor.detach().cpu().half()).contiguous()
        if not tensors[name].isfinite().all():
            raise TaggerError(f"{description.name} cannot be written: {name} holds what is no number, or too large")
    about = {name: value for name, value in asdict(description).items() if name not in ("file", "network")}
    text = json.dumps({**about, "network": NETWORK}, ensure_ascii=False)
    digest = _digest(text, save(tensors))
    try:
        with draft_of(path) as draft:
            draft.write(save(tensors, {"description": text, "sha256": digest}))
    except OSError as error:
        raise TaggerError(f"{error.filename or path}: {error.strerror or error}") from error
    return read_description(path)


def read_description(path: Path) -> OwnTagger:
    """What a file of weights says of itself, after a look at all of it.

    Raises
    ------
    TaggerError
        If it is no such file, or damaged.
    """
    try:
        size = path.stat().st_size
        if size > _LARGEST_FILE:
            raise TaggerError(f"{path} is larger than {_LARGEST_FILE >> 20} MB: no tagger's weights")
        content = path.read_bytes()
    except OSError as error:
        raise TaggerError(f"{path}: {error.strerror or error}") from error
    # What the format's own reader would only find out after it has believed the header's length.
    if len(content) < 8 or int.from_bytes(content[:8], "little") > min(_LARGEST_HEADER, len(content) - 8):
        raise TaggerError(f"{path} holds no tagger's weights, or is cut off")
    try:
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
            shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise TaggerError(f"{path} holds no tagger's weights, or is damaged") from error
    if (text := metadata.get("description")) is None:
        raise TaggerError(f"{path} holds weights of something else: they do not describe a tagger")
    if metadata.get("sha256") != _digest(text, content):
        raise TaggerError(f"{path} is damaged: its checksum is wrong")
    description = _described(text, path)
    n_labels = len(description.labels)
    if shapes.get(_LABEL_WEIGHT, ())[:1] != (n_labels,) or shapes.get(_LABEL_BIAS) != (n_labels,):
        raise TaggerError(f"{path} describes {n_labels} labels, and its weights have another number")
    return description


def read_network(path: Path, n_labels: int) -> WholeSongCnn:
    """The network of a file of weights.

    Returns
    -------
    WholeSongCnn
        In single precision, for inference.

    Raises
    ------
    TaggerError
        If the file holds the weights of another network.
    """
    from safetensors.torch import load

    from .wholesong import WholeSongCnn

    network = WholeSongCnn(n_labels)
    own = network.state_dict()
    try:
        tensors = load(path.read_bytes())
    except (SafetensorError, OSError) as error:
        raise TaggerError(f"{path} cannot be read: {error}") from error
    expected = {name: tensor for name, tensor in own.items() if not name.endswith(_COUNTER)}
    if {name: tensor.shape for name, tensor in tensors.items()} != {n: tensor.shape for n, tensor in expected.items()}:
        raise TaggerError(f"{path} holds the weights of another network than {NETWORK}")
    if not all(tensor.is_floating_point() and tensor.isfinite().all() for tensor in tensors.values()):
        raise TaggerError(f"{path} holds weights that are no numbers")
    network.load_state_dict({**own, **{name: tensor.float() for name, tensor in tensors.items()}})
    return network.eval().requires_grad_(False)


def with_labels(network: WholeSongCnn, weights: NDArray[np.float32], biases: NDArray[np.float32]) -> WholeSongCnn:
    """A network that hears as another does, with another label layer.

    Parameters
    ----------
    network : WholeSongCnn
    weights : float32, shape (n_labels, 256)
    biases : float32, shape (n_labels,)
    """
    import torch

    from .wholesong import WholeSongCnn

    other = WholeSongCnn(len(biases))
    layer = {_LABEL_WEIGHT: torch.from_numpy(weights), _LABEL_BIAS: torch.from_numpy(biases)}
    other.load_state_dict({**network.state_dict(), **layer})
    return other.eval().requires_grad_(False)


def label_layer(network: WholeSongCnn) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A network's last layer: weights, shape (n_labels, 256), and biases, shape (n_labels,)."""
    return network.labels.weight.detach().numpy().copy(), network.labels.bias.detach().numpy().copy()


def trunk_version(network: WholeSongCnn) -> str:
    """A digest of everything below the labels: networks with the same one hear alike."""
    digest = hashlib.sha256()
    for name, tensor in network.state_dict().items():
        if not name.startswith("labels."):
            digest.update(tensor.detach().cpu().numpy().tobytes())
    return digest.hexdigest()[:12]


def _digest(description: str, file: bytes) -> str:
    """Of a description and of the tensors in a file, whatever its metadata."""
    tensors = memoryview(file)[8 + int.from_bytes(file[:8], "little") :]
    digest = hashlib.sha256(description.encode())
    digest.update(tensors)
    return digest.hexdigest()


def _described(text: str, path: Path) -> OwnTagger:
    """A description's JSON, every part of it looked at."""
    try:
        about = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise TaggerError(f"{path} describes itself in what is no JSON") from error
    if isinstance(about, Mapping) and about.get("network") == _EARLIER:
        raise TaggerError(f"{path} was fitted with an earlier DCMRS, whose network heard otherwise: fit it anew")
    try:
        labels = tuple(_label(label) for label in about["labels"])
        texts = {name: _text(about[name]) for name in _TEXTS}
        name, base, figures = about["name"], about.get("base"), about.get("figures") or {}
        well = (
            about["network"] == NETWORK
            and isinstance(name, str)
            and is_name(name)
            and is_name(texts["embedding"])
            and (base is None or (isinstance(base, str) and is_name(base)))
            and isinstance(figures, Mapping)
            and 0 < len(labels) <= _MOST_LABELS
            and len({label.name.lower() for label in labels}) == len(labels)
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise TaggerError(f"{path} describes no tagger of this program: {error!r}") from error
    if not well:
        raise TaggerError(f"{path} describes no tagger of this program")
    return OwnTagger(name=name, network=NETWORK, labels=labels, base=base, figures=figures, file=path, **texts)


def _label(about: Mapping[str, Any]) -> TaggerLabel:
    label = TaggerLabel(_text(about["name"]), about["kind"], float(about["operating_point"]))
    if not 0 < len(label.name) <= _LONGEST_LABEL or label.kind not in _KINDS or not 0 <= label.operating_point <= 1:
        raise ValueError(f"label {label.name}")
    return label


def _text(value: object) -> str:
    # It is shown on terminals, which take some characters for orders.
    if not isinstance(value, str) or not value.isprintable():
        raise ValueError("text")
    return value
