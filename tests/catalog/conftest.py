"""What tests of the catalog share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.audio import tag, write_tone


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """An empty folder of music."""
    folder = tmp_path / "Music"
    folder.mkdir()
    return folder


@pytest.fixture(scope="session")
def tone(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Writes files of different sound, each made once."""
    folder = tmp_path_factory.mktemp("tones")

    def write(path: Path, number: int = 0, **tags: str | list[str]) -> Path:
        source = folder / f"{number}{path.suffix}"
        if not source.exists():
            write_tone(source, seconds=0.3, hz=300 + 20 * number)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(source.read_bytes())
        return tag(path, **tags) if tags else path

    return write
