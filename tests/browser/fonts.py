"""What pages are laid out with in tests: the widest and the narrowest of the common fonts, and no other of a machine.

Texts take more and less room on a reader's device than on a developer's: for the same sentences, DejaVu Sans needs a
seventh more than Arial and Roboto, and Liberation Sans Narrow (as wide as Arial Narrow) a fifth less.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape


class Letters(NamedTuple):
    """A font, the files of it that pages need, and the Debian package that has them."""

    family: str
    files: tuple[str, ...]
    package: str


LETTERS = {
    "wide": Letters("DejaVu Sans", ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"), "fonts-dejavu-core"),
    "narrow": Letters(
        "Liberation Sans Narrow",
        ("LiberationSansNarrow-Regular.ttf", "LiberationSansNarrow-Bold.ttf"),
        "fonts-liberation, or fonts-liberation-sans-narrow",
    ),
}
# For the signs of formulas, which few fonts have.
_SIGNS = "DejaVuSans.ttf"

_CONFIGURATION = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
  <dir>{folder}</dir>
  <cachedir>{folder}/cache</cachedir>
  <match target="pattern">
    <edit name="family" mode="prepend" binding="strong"><string>{family}</string></edit>
  </match>
</fontconfig>
"""


def _installed() -> dict[str, Path]:
    """Every TrueType file among the machine's fonts, by its name."""
    own = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    folders = [Path(folder).expanduser() for folder in (f"{own}/fonts", "/usr/local/share/fonts", "/usr/share/fonts")]
    return {file.name: file for folder in reversed(folders) for file in folder.rglob("*.ttf")}


def configuration(letters: str, folder: Path) -> Path | None:
    """A fontconfig file by which a program finds one font only; None where the machine has no such font.

    Parameters
    ----------
    letters : str
        A key of `LETTERS`.
    folder : Path
        An empty one, for the file and what it names.
    """
    wanted = LETTERS[letters]
    installed = _installed()
    if not installed.keys() >= set(wanted.files):
        return None
    for name in {*wanted.files, _SIGNS} & installed.keys():
        (folder / name).symlink_to(installed[name])
    file = folder / "fonts.conf"
    file.write_text(_CONFIGURATION.format(folder=escape(str(folder)), family=escape(wanted.family)))
    return file
