"""Files of local taggers: safetensors with a description in their metadata.

The tensors are those of a `WholeSongCnn`: convolutions in half precision, the small ones in single. The metadata holds
`description` (JSON) and `sha256`, a digest of the description and all tensors, which detects damage anywhere. Files may
come from untrusted sources: nothing in one is executed, and every value is validated before use.
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

from tagging.networks.descriptions import LocalTagger, TaggerError, TaggerLabel

from .atomic_write import atomic_write

if TYPE_CHECKING:
    from torch import Tensor

    from tagging.networks.wholesong import WholeSongCnn

NETWORK = "whole-song-cnn-3"
# The same network that hears windows as loud as they are.
_NOT_LEVELLED = "whole-song-cnn-2"
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
# Small tensors, whose rounding would scale everything else.
_IN_SINGLE_PRECISION = ("mean", "scale", "labels.", "normalization.")
_COUNTER = "num_batches_tracked"


def is_name(text: str) -> bool:
    """Whether a text is a valid name: lower-case letters, digits, dots and dashes, at most 60."""
    return _NAME.fullmatch(text) is not None


def write_weights(path: Path, network: WholeSongCnn, description: LocalTagger) -> LocalTagger:
    """Write a network and its description to a file, atomically.

    Parameters
    ----------
    path : Path
        The tagger's name with `.safetensors`; missing folders are made.
    network : WholeSongCnn
        With as many outputs as the description has labels.
    description : LocalTagger

    Returns
    -------
    LocalTagger
        The description as `read_description` finds it at `path`.

    Raises
    ------
    TaggerError
        If a weight is not finite in its stored precision, the description is invalid, or the file cannot be written.
    """
    from safetensors.torch import save

    tensors = _tensors(network)
    for name, tensor in tensors.items():
        if not tensor.isfinite().all():
            raise TaggerError(f"{description.name} cannot be written: {name} holds what is no number, or too large")
    about = {name: value for name, value in asdict(description).items() if name not in ("file", "network")}
    kind = NETWORK if network.levelled else _NOT_LEVELLED
    text = json.dumps({**about, "network": kind}, ensure_ascii=False)
    digest = _digest(text, save(tensors))
    try:
        with atomic_write(path) as draft:
            draft.write(save(tensors, {"description": text, "sha256": digest}))
    except OSError as error:
        raise TaggerError(f"{error.filename or path}: {error.strerror or error}") from error
    return read_description(path)


def read_description(path: Path) -> LocalTagger:
    """Read and validate a tagger's description, and the checksum of the whole file.

    Raises
    ------
    TaggerError
        If the file cannot be read, is no tagger's, or is damaged.
    """
    try:
        size = path.stat().st_size
        if size > _LARGEST_FILE:
            raise TaggerError(f"{path} is larger than {_LARGEST_FILE >> 20} MB: no tagger's weights")
        content = path.read_bytes()
    except OSError as error:
        raise TaggerError(f"{path}: {error.strerror or error}") from error
    # safetensors' reader would allocate the header's claimed length before it checks it.
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
    description = _parse_description(text, path)
    n_labels = len(description.labels)
    if shapes.get(_LABEL_WEIGHT, ())[:1] != (n_labels,) or shapes.get(_LABEL_BIAS) != (n_labels,):
        raise TaggerError(f"{path} describes {n_labels} labels, and its weights have another number")
    return description


def read_network(path: Path, n_labels: int) -> WholeSongCnn:
    """Load the network of a tagger's file.

    Parameters
    ----------
    path : Path
    n_labels : int
        As its description has them.

    Returns
    -------
    WholeSongCnn
        In single precision, for inference.

    Raises
    ------
    TaggerError
        If the file cannot be read, or holds the weights of another network or numbers that are not finite.
    """
    from safetensors.torch import load

    from tagging.networks.wholesong import WholeSongCnn

    try:
        content = path.read_bytes()
        with safe_open(path, framework="np") as file:
            description = json.loads((file.metadata() or {})["description"])
        network = WholeSongCnn(n_labels, levelled=description["network"] != _NOT_LEVELLED)
        tensors = load(content)
    except (KeyError, TypeError, ValueError) as error:
        raise TaggerError(f"{path} does not describe its network") from error
    except (SafetensorError, OSError) as error:
        raise TaggerError(f"{path} cannot be read: {error}") from error
    state = network.state_dict()
    expected = {name: tensor for name, tensor in state.items() if not name.endswith(_COUNTER)}
    if {name: tensor.shape for name, tensor in tensors.items()} != {n: tensor.shape for n, tensor in expected.items()}:
        raise TaggerError(f"{path} holds the weights of another network than {NETWORK}")
    if not all(tensor.is_floating_point() and tensor.isfinite().all() for tensor in tensors.values()):
        raise TaggerError(f"{path} holds weights that are no numbers")
    network.load_state_dict({**state, **{name: tensor.float() for name, tensor in tensors.items()}})
    return network.eval().requires_grad_(False)


def with_labels(network: WholeSongCnn, weights: NDArray[np.float32], biases: NDArray[np.float32]) -> WholeSongCnn:
    """Copy a network with another label layer, for inference.

    Parameters
    ----------
    network : WholeSongCnn
    weights : float32, shape (n_labels, 256)
    biases : float32, shape (n_labels,)
    """
    import torch

    from tagging.networks.wholesong import WholeSongCnn

    other = WholeSongCnn(len(biases), levelled=network.levelled)
    layer = {_LABEL_WEIGHT: torch.from_numpy(weights), _LABEL_BIAS: torch.from_numpy(biases)}
    other.load_state_dict({**network.state_dict(), **layer})
    return other.eval().requires_grad_(False)


def as_stored(network: WholeSongCnn) -> WholeSongCnn:
    """Copy a network, for inference, rounded to the precision of its file, in which it will be used."""
    from tagging.networks.wholesong import WholeSongCnn

    rounded = WholeSongCnn(network.labels.out_features, levelled=network.levelled)
    tensors = {name: tensor.float() for name, tensor in _tensors(network).items()}
    rounded.load_state_dict({**rounded.state_dict(), **tensors})
    return rounded.eval().requires_grad_(False)


def _tensors(network: WholeSongCnn) -> dict[str, Tensor]:
    """A network's tensors as its file holds them."""
    tensors = {}
    for name, tensor in network.state_dict().items():
        if not name.endswith(_COUNTER):
            single = name.startswith(_IN_SINGLE_PRECISION) or _IN_SINGLE_PRECISION[-1] in name
            tensors[name] = (tensor.detach().cpu().float() if single else tensor.detach().cpu().half()).contiguous()
    return tensors


def label_layer(network: WholeSongCnn) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Copy a network's last layer.

    Returns
    -------
    weights : float32, shape (n_labels, 256)
    biases : float32, shape (n_labels,)
    """
    return network.labels.weight.detach().numpy().copy(), network.labels.bias.detach().numpy().copy()


def trunk_version(network: WholeSongCnn) -> str:
    """Digest everything below the label layer: equal for networks with the same embeddings, 12 hexadecimal digits."""
    digest = hashlib.sha256(b"levelled" if network.levelled else b"")
    for name, tensor in network.state_dict().items():
        if not name.startswith("labels."):
            digest.update(tensor.detach().cpu().numpy().tobytes())
    return digest.hexdigest()[:12]


def _digest(description: str, file: bytes) -> str:
    """Digest a description and the tensors of a file, without its header."""
    tensors = memoryview(file)[8 + int.from_bytes(file[:8], "little") :]
    digest = hashlib.sha256(description.encode())
    digest.update(tensors)
    return digest.hexdigest()


def _parse_description(text: str, path: Path) -> LocalTagger:
    """Parse and validate a description's JSON."""
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
        valid = (
            about["network"] in (NETWORK, _NOT_LEVELLED)
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
    if not valid:
        raise TaggerError(f"{path} describes no tagger of this program")
    kind = about["network"]
    return LocalTagger(name=name, network=kind, labels=labels, base=base, figures=figures, file=path, **texts)


def _label(about: Mapping[str, Any]) -> TaggerLabel:
    label = TaggerLabel(_text(about["name"]), about["kind"], float(about["operating_point"]))
    if not 0 < len(label.name) <= _LONGEST_LABEL or label.kind not in _KINDS or not 0 <= label.operating_point <= 1:
        raise ValueError(f"label {label.name}")
    return label


def _text(value: object) -> str:
    # Descriptions are printed to terminals, which interpret control characters.
    if not isinstance(value, str) or not value.isprintable():
        raise ValueError("text")
    return value
