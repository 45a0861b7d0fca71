"""The schemas of the specification, and what an answer has to keep to: its JSON, its XML, and both the same."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import xmlschema
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

NAMESPACE = "{http://subsonic.org/restapi}"


@cache
def _registry(folder: Path) -> Registry[Any]:
    def retrieve(uri: str) -> Resource[Any]:
        return Resource.from_contents(json.loads(Path(uri.removeprefix("file://")).read_text()), DRAFT202012)

    return Registry(retrieve=retrieve)  # type: ignore[call-arg]


@cache
def _validator(folder: Path, endpoint: str) -> Draft202012Validator:
    file = folder / "openapi" / "endpoints" / f"{endpoint}.json"
    described = json.loads(file.read_text())
    operation = described.get("get") or described["post"]
    response = operation["responses"]["200"]
    if "$ref" in response:
        file = (file.parent / response["$ref"]).resolve()
        response = json.loads(file.read_text())
    schema = response["content"]["application/json"]["schema"]
    return Draft202012Validator({"$id": file.as_uri(), **schema}, registry=_registry(folder))


@cache
def _xsd(folder: Path) -> xmlschema.XMLSchema:
    return xmlschema.XMLSchema(str(folder / "subsonic-rest-api-1.16.0.xsd"))


def is_specified(folder: Path, endpoint: str) -> bool:
    """Whether the specification is here, and says of an endpoint what its answer is as JSON."""
    file = folder / "openapi" / "endpoints" / f"{endpoint}.json"
    return file.is_file() and any(text in file.read_text() for text in ("application/json", "EmptySubsonicResponse"))


def check_json(folder: Path, endpoint: str, answer: dict[str, Any]) -> None:
    """An answer keeps to the JSON schema of its endpoint."""
    errors = [f"{list(error.absolute_path)}: {error.message[:300]}" for error in _errors(folder, endpoint, answer)]
    assert not errors, f"{endpoint}: {errors}"


def _errors(folder: Path, endpoint: str, answer: dict[str, Any]) -> list[Any]:
    found = []
    for error in _validator(folder, endpoint).iter_errors(answer):
        # Of the two forms of an answer, what the one that is meant has against it.
        leaves = [one for one in error.context or [] if "status" not in list(one.absolute_path)[-1:]]
        found += leaves or [error]
    return found


def check_xml(folder: Path, document: bytes) -> None:
    """An answer keeps to Subsonic's XSD, once what OpenSubsonic has added is taken off."""
    root = ElementTree.fromstring(document)  # noqa: S314 (this server's own)
    schema = _xsd(folder)
    _strip(root, schema.elements["subsonic-response"].type)
    errors = [f"{error.path}: {error.reason}" for error in schema.iter_errors(root)]
    assert not errors, errors


def _strip(element: ElementTree.Element, kind: Any) -> None:
    for name in list(element.attrib):
        # OpenSubsonic made a text of the one id that Subsonic wrote as a number.
        if name not in kind.attributes or (element.tag, name) == (f"{NAMESPACE}playQueue", "current"):
            del element.attrib[name]
    inside = kind.content.iter_elements() if kind.is_complex() and kind.has_complex_content() else ()
    known = {one.local_name: one.type for one in inside}
    for child in list(element):
        name = child.tag.removeprefix(NAMESPACE)
        if name in known:
            _strip(child, known[name])
        else:
            element.remove(child)


def check_same(answer: dict[str, Any], document: bytes) -> None:
    """JSON and XML say the same: every value of the one stands in the other."""
    root = ElementTree.fromstring(document)  # noqa: S314 (this server's own)
    [(name, content)] = answer.items()
    assert root.tag == NAMESPACE + name
    _compare(content, root, name)


def _compare(content: Any, element: ElementTree.Element, path: str) -> None:
    if not isinstance(content, dict):
        assert (element.text or "") == _written(content), path
        return
    children: dict[str, list[ElementTree.Element]] = {}
    for child in element:
        children.setdefault(child.tag.removeprefix(NAMESPACE), []).append(child)
    left = dict(element.attrib)
    for name, value in content.items():
        where = f"{path}.{name}"
        if isinstance(value, dict):
            [child] = children.pop(name)
            _compare(value, child, where)
        elif isinstance(value, list):
            others = children.pop(name, [])
            assert len(others) == len(value), where
            for one, other in zip(value, others, strict=True):
                _compare(one, other, where)
        elif name in left:
            assert left.pop(name) == _written(value), where
        elif name in children:
            [child] = children.pop(name)
            assert (child.text or "") == _written(value), where
        else:
            assert name == "value", where
            assert (element.text or "") == _written(value), where
    assert not left, f"{path}: {left}"
    assert not children, f"{path}: {list(children)}"


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
