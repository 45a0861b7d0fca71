"""Everything that the site keeps of one person, as one JSON document.

Each app registers a section for its own models, and imports no other app for it. A section is read while the document
is sent, so that a listener of many years takes no more memory than one of yesterday.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeAlias

from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Model
from django.utils import timezone

from ..models import ApiToken, AppPassword, UploadAllowance

VERSION = 1
"""Of the document's shape: raised when something in it changes its name or meaning."""

_READ_AT_ONCE = 1000

Entry: TypeAlias = Mapping[str, Any]
Entries: TypeAlias = Callable[[User], Iterable[Entry]]


@dataclass(frozen=True, slots=True)
class Section:
    """One list of the document, and the models whose rows it holds."""

    name: str
    models: tuple[type[Model], ...]
    entries: Entries


_sections: dict[str, Section] = {}


def exports(name: str, *models: type[Model]) -> Callable[[Entries], Entries]:
    """Register a function that lists what these models keep of a person, under a name of its own in the document.

    Raises
    ------
    ValueError
        If another section has this name.
    """

    def register(entries: Entries) -> Entries:
        if name in _sections:
            raise ValueError(f"two sections of the export are called {name}")
        _sections[name] = Section(name, models, entries)
        return entries

    return register


def sections() -> list[Section]:
    """What a document holds besides the account, in the order of its names."""
    return [_sections[name] for name in sorted(_sections)]


def export(user: User) -> Iterator[str]:
    """The document, in pieces: `{"format", "version", "exported_at", "account": {...}, SECTION: [...], ...}`."""
    head = {
        "format": "dcmrs-export",
        "version": VERSION,
        "exported_at": timezone.now(),
        "account": _account(user),
    }
    yield _json(head)[:-1]
    for section in sections():
        yield f",\n{_json(section.name)}: ["
        entries, between = iter(section.entries(user)), ""
        while some := list(islice(entries, _READ_AT_ONCE)):
            yield between + ",".join("\n" + _json(one) for one in some)
            between = ","
        yield "]"
    yield "}\n"


def _json(value: object) -> str:
    return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False, allow_nan=False)


def _account(user: User) -> dict[str, Any]:
    return {
        "username": user.get_username(),
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "joined_at": user.date_joined,
        "last_login": user.last_login,
        "staff": user.is_staff,
        "admin": user.is_superuser,
    }


@exports("upload_allowance", UploadAllowance)
def _upload_allowance(user: User) -> Iterator[Entry]:
    for allowance in UploadAllowance.objects.filter(user=user):
        yield {"may_upload": allowance.may_upload, "megabytes": allowance.megabytes, "songs": allowance.songs}


@exports("app_passwords", AppPassword)
def _app_passwords(user: User) -> Iterator[Entry]:
    for row in AppPassword.objects.filter(user=user).order_by("pk"):
        # Not the password: the document must not let its reader log in.
        yield {"name": row.name, "created_at": row.created_at, "last_used_at": row.last_used_at}


@exports("api_tokens", ApiToken)
def _api_tokens(user: User) -> Iterator[Entry]:
    for row in ApiToken.objects.filter(user=user).order_by("pk"):
        yield {
            "name": row.name,
            "read_only": row.read_only,
            "created_at": row.created_at,
            "last_used_at": row.last_used_at,
            "expires_at": row.expires_at,
        }


@exports("admin_actions", LogEntry)
def _admin_actions(user: User) -> Iterator[Entry]:
    for done in LogEntry.objects.filter(user=user).order_by("pk").iterator(_READ_AT_ONCE):
        yield {"at": done.action_time, "what": done.object_repr, "said": str(done)}
