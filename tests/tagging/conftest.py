"""Taggers for tests: small label sets on untrained networks, installed in a home of their own."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

from tagging.frontend.mel_bands import Scaling
from tagging.networks.published_networks import Cnn
from tagging.networks.wholesong import WholeSongCnn
from tagging.services import loading
from tagging.taggers import local, registry
from tagging.taggers.registry import LocalTagger, PublishedTagger, TaggerLabel

KINDS = {"jazz": "genre", "happy": "mood", "piano": "instrument", "quiet": "mood"}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A `DCMRS_HOME` of the test's own, without taggers, not even the bundled one."""
    monkeypatch.setenv("DCMRS_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(registry, "BUNDLED", tmp_path / "bundled" / "dcmrs.safetensors")
    loading._loaded.cache_clear()
    yield tmp_path / "home"
    loading._loaded.cache_clear()


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The weights of an untrained network with four labels."""
    path = tmp_path_factory.mktemp("weights") / "untrained.pth"
    torch.manual_seed(1)
    cnn = Cnn(len(KINDS), normalized_bands=1)
    # Away from the initial zeros, so that the labels differ from song to song and from one another.
    torch.nn.init.normal_(cnn.dense.weight, std=2.0)
    numbers = cnn.state_dict()
    numbers["bn_init.running_mean"].fill_(-60.0)
    numbers["bn_init.running_var"].fill_(400.0)
    torch.save(numbers, path)
    return path


def describe(
    name: str, weights: Path, operating_point: float = 0.0, address: str = "https://example.org/weights.pth"
) -> PublishedTagger:
    """A tagger with these weights."""
    return PublishedTagger(
        name=name,
        network="cnn-one-band",
        scaling=Scaling(factor=2.0),
        labels=tuple(TaggerLabel(label, kind, operating_point) for label, kind in KINDS.items()),
        address=address,
        sha256=hashlib.sha256(weights.read_bytes()).hexdigest(),
        bytes=weights.stat().st_size,
        licence="CC0-1.0",
        source="a test",
        score="untrained",
    )


Know = Callable[..., list[str]]


@pytest.fixture
def know(weights: Path, monkeypatch: pytest.MonkeyPatch) -> Know:
    """Make these the taggers that are known: names, or whole descriptions."""

    def make_known(*taggers: str | PublishedTagger) -> list[str]:
        known = [describe(tagger, weights) if isinstance(tagger, str) else tagger for tagger in taggers]
        monkeypatch.setattr(registry, "known", lambda: {tagger.name: tagger for tagger in known})
        return [tagger.name for tagger in known]

    return make_known


@pytest.fixture
def tagger(know: Know, weights: Path) -> str:
    """One tagger, known and installed, that lets a song keep all four labels; its name."""
    know("first")
    registry.install("first", weights)
    return "first"


@cache
def untrained(n_labels: int = len(KINDS), seed: int = 1) -> WholeSongCnn:
    """An untrained network of a local tagger, whose labels differ from song to song and from one another."""
    torch.manual_seed(seed)
    network = WholeSongCnn(n_labels)
    network.get_buffer("mean").fill_(-30.0)
    network.get_buffer("scale").fill_(0.05)
    torch.nn.init.normal_(network.labels.weight, std=2.0)
    return network.eval()


def write_local(
    path: Path, labels: Mapping[str, str] = KINDS, embedding: str = "test-1", operating_point: float = 0.0, **about: Any
) -> LocalTagger:
    """A local tagger, untrained, in a file that is called as the tagger is."""
    description = LocalTagger(
        name=path.stem,
        network=local.NETWORK,
        labels=tuple(TaggerLabel(label, kind, operating_point) for label, kind in labels.items()),
        licence="CC0-1.0",
        source="a test",
        score="untrained",
        embedding=embedding,
        **about,
    )
    return local.write_weights(path, untrained(len(labels)), description)


@pytest.fixture
def bundled() -> LocalTagger:
    """The bundled tagger, with four labels."""
    return write_local(registry.BUNDLED)
