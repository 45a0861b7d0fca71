"""The page Find: search by query text, and listening contexts.

Queries are in the URL, so that history and bookmarks work; moods never are, because they are private. The reverse
proxy's example keeps these URLs out of its log.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.http import ListenerRequest
from catalog.names import label_key
from catalog.services.rows import song_rows

from ..engine.query_parser import LONGEST_TEXT
from ..engine.query_weights import QueryTerm
from ..services.contexts import LONGEST_NAME, ContextRefused, contexts_of, keep_context, rename_context
from ..services.finding import Findings, examples, find
from ..services.for_you.arrivals import arrivals
from ..snapshots import current

_LISTED = 24
_MOST_EXAMPLES = 4
_LABELS_SHOWN = 3


def find_address(words: str, *, new_only: bool = False) -> str:
    """The URL of a search."""
    asked = {"q": words} | ({"new": "1"} if new_only else {})
    return f"{reverse('find')}?{urlencode(asked)}" if words else reverse("find")


@require_safe
def find_page(request: ListenerRequest) -> HttpResponse:
    """Search for `q`; `new` 1: without songs known to the listener."""
    return _page(request, request.GET.get("q", ""), new_only=request.GET.get("new") == "1")


@require_POST
def context_keep(request: ListenerRequest) -> HttpResponse:
    """Save `words` as a context called `name`."""
    words, name = request.POST.get("words", ""), request.POST.get("name", "")
    try:
        kept = keep_context(request.user, name, words)
    except ContextRefused as refused:
        return _page(request, words, problem=str(refused), name=name, status=400)
    messages.success(request, f"Kept as {kept.name}. It stands here and on For you from now on.")
    return redirect(find_address(kept.words))


@require_POST
def context_rename(request: ListenerRequest, pk: int) -> HttpResponse:
    """Rename one of the listener's contexts to `name`."""
    context = get_object_or_404(contexts_of(request.user), pk=pk)
    try:
        rename_context(context, request.POST.get("name", ""))
    except ContextRefused as refused:
        return _page(request, context.words, problem=str(refused), status=400)
    return redirect(find_address(context.words))


@require_POST
def context_delete(request: ListenerRequest, pk: int) -> HttpResponse:
    """Delete one of the listener's contexts, and show its results again."""
    context = get_object_or_404(contexts_of(request.user), pk=pk)
    context.delete()
    messages.success(request, f"{context.name} is deleted.")
    return redirect(find_address(context.words))


def _page(
    request: ListenerRequest,
    text: str,
    *,
    new_only: bool = False,
    problem: str = "",
    name: str = "",
    status: int = 200,
) -> HttpResponse:
    words = " ".join(text.replace("\0", " ").split())[:LONGEST_TEXT]
    contexts = contexts_of(request.user)
    context: dict[str, Any] = {
        "words": words,
        "new_only": new_only,
        "contexts": [(one, find_address(one.words), one.words == words) for one in contexts],
        "kept": any(one.words == words for one in contexts),
        "problem": problem,
        "name": name,
        "longest_name": LONGEST_NAME,
    }
    if words:
        context |= _answer(request, words, new_only)
    if not context.get("chips") and not context.get("named_rows"):
        context["examples"] = [(one, find_address(one)) for one in examples()[:_MOST_EXAMPLES]]
    return render(request, "recommender/find.html", context, status=status)


def _answer(request: ListenerRequest, words: str, new_only: bool) -> dict[str, Any]:
    findings = find(request.user, words, n=_LISTED, playable_only=True, new_only=new_only)
    parsed, named = findings.parsed, findings.named
    absent = [_chip(term, new_only) for term in parsed.absent if term.text not in findings.known_otherwise]
    return {
        "parsed": parsed,
        "chips": _chips(findings, new_only),
        "absent": absent,
        "arriving": bool(absent) and arrivals(current.bundle()).going_on,
        "named": named,
        "named_rows": song_rows(named.songs, request.user),
        "named_more": named.total - len(named.songs),
        "matches": _matches(request, findings),
        "all_named": bool(findings.songs),
        "with_or_without_known": find_address(words, new_only=not new_only),
    }


def _chips(findings: Findings, new_only: bool) -> list[dict[str, Any]]:
    """The template contexts of all that was understood: what it should be like, labels, years, and names."""
    parsed = findings.parsed
    chips = []
    if findings.like is not None:
        rest = parsed.text.removeprefix(f"like {findings.like.name}").removeprefix(", ")
        chips.append({"name": f"like {findings.like.name}", "without": find_address(rest, new_only=new_only)})
    for term in parsed.terms:
        ways = []
        if term.text in findings.by_year:
            ways.append("by year")
        if term.text in findings.by_names:
            ways.append("in titles, albums, playlists")
        if term.labels or ways:
            chip = _chip(term, new_only)
            chips.append(chip | {"labels": ", ".join(filter(None, [chip["labels"], *ways]))})
    terms = {term.text for term in parsed.terms}
    others = dict.fromkeys(findings.by_names, "in titles, artists, albums, playlists")
    others |= dict.fromkeys(findings.by_year, "by year")
    for word, way in others.items():
        if word not in terms:
            without = ", ".join(part for part in parsed.text.split(", ") if part != word)
            chips.append({"name": word, "labels": way, "without": find_address(without, new_only=new_only)})
    return chips


def _chip(term: QueryTerm, new_only: bool) -> dict[str, Any]:
    """The template context of a query term: name, labels, and the URL without it."""
    labels = [label for label in term.strongest if label_key(label) != label_key(term.text)]
    return {
        "term": term,
        "name": term.words,
        "labels": ", ".join(labels[:_LABELS_SHOWN]).lower(),
        "without": find_address(term.without, new_only=new_only),
    }


def _matches(request: ListenerRequest, findings: Findings) -> list[dict[str, Any]]:
    # What is called so stands above already.
    named = {song.pk for song in findings.named.songs}
    others = [one for one in findings.songs if one.song.pk not in named]
    whys = [findings.why(one) for one in others]
    rows = song_rows([one.song for one in others], request.user, labels=not all(whys))

    # Without the scores: they are places among what matches, which the order says already.
    return [{"row": row, "why": why} for row, why in zip(rows, whys, strict=True)]
