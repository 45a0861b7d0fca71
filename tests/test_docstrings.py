"""What docstrings list as parameters and attributes are parameters and attributes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
PRODUCT = ("accounts", "catalog", "composer", "dcmrs_site", "mood", "opensubsonic", "recommender", "tagging")
FILES = sorted(path for name in PRODUCT for path in (PROJECT / name).rglob("*.py"))

_ENTRY = re.compile(r"(\*{0,2}\w+(?:, \*{0,2}\w+)*)(?: : .*)?")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def listed(docstring: str, section: str) -> list[str]:
    """The names of the entries of a numpydoc section."""
    lines = docstring.splitlines()
    for at, line in enumerate(lines[:-1]):
        if line.strip() == section and re.fullmatch(r"\s*-{3,}", lines[at + 1]):
            break
    else:
        return []
    names: list[str] = []
    for place, line in enumerate(lines[at + 2 :], at + 2):
        # The next section begins with a title that is underlined.
        if place + 1 < len(lines) and re.fullmatch(r"-{3,}", lines[place + 1]):
            break
        if line and not line.startswith(" "):
            entry = _ENTRY.fullmatch(line)
            names += [name.lstrip("*") for name in entry[1].split(", ")] if entry else [line]
    return names


def parameters(function: Function) -> set[str]:
    of = function.args
    every = [*of.posonlyargs, *of.args, *of.kwonlyargs, of.vararg, of.kwarg]
    return {one.arg for one in every if one is not None}


def attributes(of: ast.ClassDef) -> set[str]:
    """What a class names: fields, methods, properties, slots, and what its methods set on `self`."""
    names = set()
    for node in ast.walk(of):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                names.add(name)
            case ast.Attribute(value=ast.Name(id="self"), attr=name, ctx=ast.Store()):
                names.add(name)
    for statement in of.body:
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
            case ast.Assign(targets=targets):
                names |= {one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name)}
    return names


def made_with(of: ast.ClassDef) -> set[str]:
    """What a class is made with: the parameters of its constructor, or its fields."""
    for node in of.body:
        if isinstance(node, ast.FunctionDef) and node.name in ("__init__", "__new__"):
            return parameters(node)
    return {node.target.id for node in of.body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)}


def bases(of: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> Iterator[ast.ClassDef]:
    """A class and those that it is derived from, as far as the same module has them."""
    yield of
    for base in of.bases:
        if isinstance(base, ast.Name) and base.id in classes:
            yield from bases(classes[base.id], classes)


def unknown(tree: ast.Module) -> Iterator[str]:
    """Entries of docstrings that name nothing."""
    classes = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    for node in ast.walk(tree):
        if not isinstance(node, Function | ast.ClassDef) or not (docstring := ast.get_docstring(node)):
            continue
        if isinstance(node, Function):
            known = {"Parameters": parameters(node)}
        else:
            line = list(bases(node, classes))
            known = {
                "Parameters": set().union(*map(made_with, line)),
                "Attributes": set().union(*map(attributes, line)),
            }
        for section, names in known.items():
            yield from (f"{node.name}: {name}" for name in listed(docstring, section) if name not in names)


def test_lists_of_several_names_and_stars_are_read() -> None:
    docstring = "Do.\n\nParameters\n----------\na, b : int\n    Two : numbers.\n*rest : str\nc\n\nReturns\n-------\nint"
    assert listed(docstring, "Parameters") == ["a", "b", "rest", "c"]


@pytest.mark.parametrize("file", FILES, ids=lambda path: str(path.relative_to(PROJECT)))
def test_docstrings_list_what_is_there(file: Path) -> None:
    assert list(unknown(ast.parse(file.read_text()))) == []
