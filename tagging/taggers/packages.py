"""Weights that lie in a Python package: pip downloads it, from wherever its configuration says; nothing of it runs."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from zlib import error as DeflateError

import safetensors.numpy

from tagging.networks.descriptions import Package, TaggerError, Unreachable

from .checkpoints import read_checkpoint

_INDEX, _DATA = ".index", ".data-00000-of-00001"
# What training kept beside the weights.
_OF_TRAINING = ("/Adam", "/Adam_1")
_TIMEOUT_S = 15
_LONGEST_DOWNLOAD_S = 600
_LONGEST_COMPLAINT = 300


def is_package(file: Path, package: Package) -> bool:
    """Whether a file is the package, by its size and checksum."""
    try:
        if file.stat().st_size != package.bytes:
            return False
        with file.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest() == package.sha256
    except OSError:
        return False


def download_package(package: Package, folder: Path) -> Path:
    """Have pip download a package, and nothing that it asks for.

    Parameters
    ----------
    package : Package
    folder : Path
        Where to put it.

    Returns
    -------
    Path
        The wheel.

    Raises
    ------
    Unreachable
        If pip is not here, or cannot reach what it downloads from.
    TaggerError
        If it brings something else.
    """
    wishes = ("--no-deps", "--only-binary", ":all:", "--disable-pip-version-check", "--no-input", "--quiet")
    patience = ("--timeout", str(_TIMEOUT_S), "--retries", "1")
    command = [sys.executable, "-m", "pip", "download", *wishes, *patience, "--dest", str(folder), package.requirement]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_LONGEST_DOWNLOAD_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise Unreachable(f"pip could not download {package.requirement} in {_LONGEST_DOWNLOAD_S} s") from error
    if done.returncode:
        reason = _reason(done.stderr) or f"status {done.returncode}"
        raise Unreachable(f"pip cannot download {package.requirement}: {reason}")
    for wheel in folder.glob("*.whl"):
        if is_package(wheel, package):
            return wheel
    raise TaggerError(f"what pip downloads as {package.requirement} is another package: its checksum is wrong")


def _reason(complaints: str) -> str:
    """Why pip has failed, in its own words; empty where it says nothing."""
    # Pip ends with "No matching distribution" where it could ask nobody.
    if broken := re.findall(r"connection broken by '(.*)': ", complaints):
        return f"its index cannot be reached ({broken[-1].rpartition(': ')[2].strip(chr(39) + ')')})"
    lines = [line for line in complaints.splitlines() if line.strip()]
    return lines[-1].removeprefix("ERROR: ")[:_LONGEST_COMPLAINT] if lines else ""


def converted(wheel: Path, package: Package) -> bytes:
    """A package's checkpoint as a safetensors file: the same bytes every time.

    Parameters
    ----------
    wheel : Path
    package : Package

    Returns
    -------
    bytes
        The variables under the names that the checkpoint has, without what training kept beside them.

    Raises
    ------
    TaggerError
        If the file is no such package.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            index, data = (archive.read(f"{package.folder}/{name}") for name in (_INDEX, _DATA))
        tensors = read_checkpoint(index, data)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile, DeflateError) as error:
        raise TaggerError(f"{wheel} does not hold the weights in {package.folder}: {error}") from error
    content: bytes = safetensors.numpy.save(
        {name: numbers for name, numbers in sorted(tensors.items()) if not name.endswith(_OF_TRAINING) and numbers.ndim}
    )
    return content
