"""The page Find: music by words, how they were understood, and the words that a listener keeps as contexts.

What is looked for stands in the address, so that the way back, a bookmark and a context are links like any other; a
mood, which is nobody's business, stands in none. The reverse proxy's example keeps these addresses out of its log.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from catalog.http import ListenerRequest
from catalog.names import label_key
from catalog.services.rows import song_rows

from .contexts import LONGEST_NAME, ContextRefused, contexts_of, keep_context, rename_context
from .engine.words import LONGEST_TEXT, Piece
from .finding import Findings, examples, find
from .services import Recommendation

_LISTED = 30
_MOST_EXAMPLES = 4
_LABELS_SAID = 3


def find_address(words: str, *, new_only: bool = False) -> str:
    """The page that finds these words."""
    asked = {"q": words} | ({"new": "1"} if new_only else {})
    return f"{reverse('find')}?{urlencode(asked)}" if words else reverse("find")


@require_safe
def find_page(request: ListenerRequest) -> HttpResponse:
    """Music for the words `q`; `new` 1: without what the listener has played or rated."""
    return _page(request, request.GET.get("q", ""), new_only=request.GET.get("new") == "1")


@require_POST
def context_keep(request: ListenerRequest) -> HttpResponse:
    """Keep the words `words` under the name `name`."""
    words, name = request.POST.get("words", ""), request.POST.get("name", "")
    try:
        kept = keep_context(request.user, name, words)
    except ContextRefused as refused:
        return _page(request, words, problem=str(refused), name=name, status=400)
    messages.success(request, f"Kept as {kept.name}. It stands here and on For you from now on.")
    return redirect(find_address(kept.words))


@require_POST
def context_rename(request: ListenerRequest, pk: int) -> HttpResponse:
    """Give a context of the listener's own the name `name`."""
    context = get_object_or_404(contexts_of(request.user), pk=pk)
    try:
        rename_context(context, request.POST.get("name", ""))
    except ContextRefused as refused:
        return _page(request, context.words, problem=str(refused), status=400)
    return redirect(find_address(context.words))


@require_POST
def context_delete(request: ListenerRequest, pk: int) -> HttpResponse:
    """Delete a context of the listener's own; what it found stays on the page."""
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
    understood, named = findings.understood, findings.named
    return {
        "understood": understood,
        "chips": [_chip(piece, new_only) for piece in understood.heard],
        "absent": [_chip(piece, new_only) for piece in understood.absent],
        "named": named,
        "named_rows": song_rows(named.songs, request.user),
        "named_more": named.total - len(named.songs),
        "matches": _matches(request, findings),
        "with_or_without_known": find_address(words, new_only=not new_only),
    }


def _chip(piece: Piece, new_only: bool) -> dict[str, Any]:
    """A word as it was understood: its name, what it stands for, and the address without it."""
    labels = [label for label in piece.strongest if label_key(label) != label_key(piece.said)]
    return {
        "piece": piece,
        "name": piece.words,
        "labels": ", ".join(labels[:_LABELS_SAID]),
        "without": find_address(piece.without, new_only=new_only),
    }


def _matches(request: ListenerRequest, findings: Findings) -> list[dict[str, Any]]:
    whys = [findings.why(one) for one in findings.songs]
    rows = song_rows([one.song for one in findings.songs], request.user, labels=not all(whys))

    def score(found: Recommendation) -> str:
        return f"fits {max(1, round(100 * found.score))} of 100" if found.score > 0.005 else ""

    return [
        {"row": row, "why": why, "score": score(one)} for row, why, one in zip(rows, whys, findings.songs, strict=True)
    ]
