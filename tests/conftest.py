"""What every test stands on: a home of its own, and `../shared` where it is there."""

import os
import tempfile
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
SHARED = PROJECT.parent / "shared" / "data"

# Before Django reads its settings: a test never touches the home of whoever runs it.
os.environ["DCMRS_HOME"] = tempfile.mkdtemp(prefix="dcmrs-test-")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real recordings, plays, labels and weights beside the project."""
    if not SHARED.is_dir():
        pytest.skip(f"{SHARED} is not there")
    return SHARED
