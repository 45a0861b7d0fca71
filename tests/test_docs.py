"""The documents say what is there: links, paths, commands, settings and names of the code in them all exist."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
PACKAGES = (
    "accounts",
    "benchmarks",
    "catalog",
    "composer",
    "dcmrs_site",
    "mood",
    "opensubsonic",
    "recommender",
    "tagging",
    "tests",
)
FOLDERS = (*PACKAGES, "bin", "deploy", "docs", "static", "templates")
FILES = [path for name in FOLDERS for path in (PROJECT / name).rglob("*")] + list(PROJECT.iterdir())
DOCUMENTS = sorted(path for path in FILES if path.suffix == ".md")
WORDS_OF_README = 600
PICTURE_BYTES = 60_000

_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"^    .*$", re.MULTILINE)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`\n]+)`")
_NAME = re.compile(rf"({'|'.join(PACKAGES)})(\.\w+)+")
_SUFFIXES = "cfg|css|html|jinja|js|json|md|py|safetensors|service|toml|txt|xml|yaml"
_PATH = re.compile(rf"(?:[\w.-]+/)*[\w.-]+\.(?:{_SUFFIXES})|(?:[\w.-]+/)+")
_COMMAND = re.compile(r"manage\.py ([a-z_]+)")


def pages(paths: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("page", paths, ids=lambda path: str(path.relative_to(PROJECT)))


def code(page: Path) -> list[str]:
    """What stands in backticks."""
    return _CODE.findall(_FENCE.sub("", page.read_text()))


@cache
def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them; of two that are alike the second is numbered."""
    found: dict[str, int] = {}
    for heading in re.findall(r"^#+ (.+)$", _FENCE.sub("", page.read_text()), re.MULTILINE):
        plain = _LINK.sub(lambda link: link[0][1 : link[0].index("]")], heading).replace("`", "")
        anchor = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        found[anchor] = found.get(anchor, -1) + 1
        if found[anchor]:
            found[f"{anchor}-{found[anchor]}"] = 0
    return set(found)


# --- Links --------------------------------------------------------------------------------------


@pages(DOCUMENTS)
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    for link in _LINK.findall(_FENCE.sub("", page.read_text())):
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        address, _, anchor = link.partition("#")
        goal = (page.parent / address).resolve() if address else page
        if not goal.exists() or (anchor and anchor not in anchors(goal)):
            broken.append(link)
    assert broken == []


def test_every_document_is_linked_to() -> None:
    linked = {PROJECT / "README.md"}
    for page in DOCUMENTS:
        links = _LINK.findall(page.read_text())
        linked |= {(page.parent / link.partition("#")[0]).resolve() for link in links if not link.startswith("http")}
    assert [page for page in DOCUMENTS if page not in linked] == []


# --- Names of the code --------------------------------------------------------------------------


@cache
def defined(file: Path) -> set[str]:
    """The names that a module defines at its top, and those of its classes with a dot between."""
    names = set()
    for node in ast.parse(file.read_text()).body:
        for name, inner in _named(node):
            names.add(name)
            names |= {f"{name}.{one}" for part in inner for one, _ in _named(part)}
    return names


def _named(node: ast.stmt) -> Iterator[tuple[str, list[ast.stmt]]]:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            yield name, []
        case ast.ClassDef(name=name, body=body):
            yield name, body
        case ast.Assign(targets=targets):
            yield from ((target.id, []) for target in targets if isinstance(target, ast.Name))
        case ast.AnnAssign(target=ast.Name(id=name)):
            yield name, []


def exists(dotted: str) -> bool:
    """Whether a dotted name is that of a package, a module, or of what a module defines."""
    parts = dotted.split(".")
    for end in range(len(parts), 0, -1):
        place = PROJECT.joinpath(*parts[:end])
        file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
        if file.is_file():
            return end == len(parts) or ".".join(parts[end:]) in defined(file)
    return False


@pages(DOCUMENTS)
def test_every_name_of_the_code_exists(page: Path) -> None:
    names = [name for name in code(page) if _NAME.fullmatch(name) and not name.endswith((".py", ".toml", ".md"))]
    names += re.findall(r"python -m ([\w.]+)", page.read_text())
    ours = [name for name in names if name.split(".")[0] in PACKAGES]
    assert [name for name in ours if not exists(name)] == []


@pages([page for page in DOCUMENTS if page.parent.name in ("engine", "tagging")])
def test_every_name_beside_a_document_exists(page: Path) -> None:
    """`module.name` in the README of a package is a name of a module in its folder."""
    folder = ".".join(page.parent.relative_to(PROJECT).parts)
    names = [name.partition("(")[0] for name in code(page)]
    dotted = [name for name in names if re.fullmatch(rf"[a-z_]+\.(?!(?:{_SUFFIXES}|csv|svg)$)\w+", name)]
    assert [name for name in dotted if not exists(f"{folder}.{name}") and not exists(name)] == []


@pages(DOCUMENTS)
def test_every_path_exists(page: Path) -> None:
    """What reads as a path in backticks is one, or the end of one: `views.py`, `management/commands/`."""
    paths = [path for path in code(page) if _PATH.fullmatch(path) and not path.startswith(MADE_LATER)]
    there = [f"/{file.relative_to(PROJECT)}" for file in FILES] + [f"/{name}" for name in FOLDERS]
    assert [path for path in paths if not any(one.endswith(f"/{path.rstrip('/')}") for one in there)] == []


MADE_LATER = ("var/", "screenshots/", "DCMRS_HOME/", "metrics.json", "report.json")
"""What is not in the project, but made by it at run time."""


# --- Commands and settings ----------------------------------------------------------------------


def commands() -> set[str]:
    """The names of the project's own management commands."""
    files = PROJECT.glob("*/management/commands/*.py")
    return {file.stem for file in files if not file.stem.startswith("_")}


def of_django() -> set[str]:
    """The names of the commands that Django and its own apps bring."""
    from django.core.management import get_commands

    return set(get_commands()) - commands()


@pages(DOCUMENTS)
def test_every_command_exists(page: Path) -> None:
    named = set(_COMMAND.findall(page.read_text()))
    assert named - commands() - of_django() == set()


def test_every_command_has_its_row_and_no_row_is_left_over() -> None:
    rows = re.findall(r"^\| (`.+?) \|", (PROJECT / "docs" / "commands.md").read_text().partition("\n## ")[0], re.M)
    assert {name for row in rows for name in re.findall(r"`(\w+)", row)} == commands()


def test_every_setting_has_its_row_and_no_row_is_left_over() -> None:
    rows = re.findall(r"^\| (`.+?) \|", (PROJECT / "docs" / "settings.md").read_text(), re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)}
    settings = (PROJECT / "dcmrs_site" / "settings.py").read_text()
    read = set(re.findall(r"env\.\w+\(\s*\"([A-Z_]+)\"", settings)) | {"DCMRS_HOME"}
    assert 'os.environ.get("DCMRS_HOME")' in (PROJECT / "catalog" / "home.py").read_text()
    assert named == read


# --- The README ---------------------------------------------------------------------------------


def test_the_readme_is_short() -> None:
    assert len((PROJECT / "README.md").read_text().split()) <= WORDS_OF_README


def test_pictures_are_small() -> None:
    pictures = list((PROJECT / "docs" / "pictures").iterdir())
    assert len(pictures) == 3
    assert [picture.name for picture in pictures if picture.stat().st_size > PICTURE_BYTES] == []
