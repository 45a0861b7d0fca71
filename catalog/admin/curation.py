"""The page where labels are curated: one label of one song at a time, played and decided by key."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.views.decorators.http import require_GET, require_POST

from ..http import LARGEST_ID, parse_id
from ..models import CurationAction, CurationItem, Label
from ..services.curation import queue
from ..services.curation.decisions import (
    MOST_ALIKE,
    AlreadyDecidedError,
    Asked,
    Correction,
    correct,
    correction_of,
    decide,
    same_for,
)
from ..services.curation.picker import labels_like
from ..services.curation.question import question
from ..services.curation.reach import widest_label
from ..services.curation.undo import CannotUndoError, latest_of, undo
from .curation_bulk import bulk_view
from .curation_label import label_view
from .read_only import CuratorsAdmin

_VERDICTS = {"keep": True, "refuse": False}


@admin.register(CurationItem)
class CurationPage(CuratorsAdmin):
    """What is first in the queue, and what was done with it."""

    def get_urls(self) -> list[Any]:
        """Add the page's own URLs to Django's."""
        view = self.admin_site.admin_view
        return [
            path("decide/", view(require_POST(self.decide_view)), name="curation_decide"),
            path("undo/", view(require_POST(self.undo_view)), name="curation_undo"),
            path("labels/", view(require_GET(self.labels_view)), name="curation_labels"),
            path("same/<int:pk>/", view(require_POST(self.same_view)), name="curation_same"),
            path("bulk/", view(self.bulk_view), name="curation_bulk"),
            path("label/<int:pk>/", view(self.label_view), name="curation_label"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the next item in the place of a list."""
        self._check(request)
        action = None
        with suppress(ValueError):
            action = CurationAction.objects.filter(pk=parse_id(request.GET.get("offer", ""))).first()
        return self._page(request, offer=action)

    def change_view(self, request: HttpRequest, object_id: str, *_args: Any, **_options: Any) -> HttpResponse:
        """Redirect: items have no page of their own."""
        return redirect("admin:catalog_curationitem_changelist")

    def decide_view(self, request: HttpRequest) -> HttpResponse:
        """Keep, refuse, correct or put off what is asked, and go on to the next."""
        self._check(request)
        asked, verdict = _asked(request), request.POST.get("verdict", "")
        curator, action = cast(User, request.user), None
        if asked is None or verdict not in (*_VERDICTS, "other", "later"):
            return self._answer(request, "That was not understood. Nothing was done.", messages.ERROR)
        try:
            if verdict == "later":
                queue.put_off(CurationItem(pk=asked.item))
            elif verdict == "other":
                name, kind = request.POST.get("name", ""), request.POST.get("kind", "")
                action = correct(asked, name, kind, curator)
            else:
                action = decide(asked, _VERDICTS[verdict], curator)
        except AlreadyDecidedError as error:
            return self._answer(request, str(error), messages.WARNING)
        except ValueError as error:
            return self._answer(request, str(error), messages.ERROR)
        return self._answer(request, f"{action.summary}." if action else "", messages.SUCCESS, action)

    def undo_view(self, request: HttpRequest) -> HttpResponse:
        """Undo the last thing that this curator did."""
        self._check(request)
        curator = cast(User, request.user)
        if (action := latest_of(curator)) is None:
            return self._answer(request, "There is nothing of yours to undo.", messages.INFO)
        try:
            undo(action, curator)
        except CannotUndoError as error:
            return self._answer(request, str(error), messages.ERROR)
        return self._answer(request, f"Undone: {action.summary}.", messages.SUCCESS)

    def labels_view(self, request: HttpRequest) -> HttpResponse:
        """The labels that may be meant by what is typed so far."""
        self._check(request)
        text = request.GET.get("name", "")[:100].strip()
        found = labels_like(text)
        context = {"labels": found, "text": text, "new": bool(text) and not _named(found, text)}
        return TemplateResponse(request, "admin/catalog/curationitem/labels.html", context)

    def same_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Say the same of the songs that sound alike and are ticked."""
        self._check(request)
        action = get_object_or_404(CurationAction, pk=pk) if pk <= LARGEST_ID else None
        correction = correction_of(action) if action else None
        try:
            chosen = {parse_id(song) for song in request.POST.getlist("song")[: MOST_ALIKE + 1]}
        except ValueError:
            correction = None
        if correction is None:
            return self._answer(request, "This cannot be said of other songs any more.", messages.ERROR, over=True)
        try:
            done = same_for(correction, chosen, cast(User, request.user))
        except ValueError as error:
            return self._answer(request, str(error), messages.ERROR)
        said = f"{done.summary}." if done else "No song was ticked that it could be said of. Nothing was done."
        return self._answer(request, said, messages.SUCCESS if done else messages.WARNING, over=bool(done))

    def bulk_view(self, request: HttpRequest) -> HttpResponse:
        """Accept what a tagger is sure of, many at once."""
        self._check(request)
        return bulk_view(self, request)

    def label_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Judge a label as a whole."""
        self._check(request)
        if pk > LARGEST_ID:
            raise Http404
        return label_view(self, request, get_object_or_404(Label, pk=pk))

    def _check(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied

    def _answer(
        self,
        request: HttpRequest,
        said: str,
        level: int,
        action: CurationAction | None = None,
        over: bool = False,
    ) -> HttpResponse:
        """What was done, and the next item: a part of the page where a script asks, else the page anew."""
        if getattr(request, "htmx", False):
            return self._page(request, said=said, level=level, offer=action, over=over or said.startswith("Undone"))
        if said:
            self.message_user(request, said, level)
        address = reverse("admin:catalog_curationitem_changelist")
        offer = f"?offer={action.pk}" if action and correction_of(action) else ""
        return redirect(f"{address}{offer}")

    def _page(
        self,
        request: HttpRequest,
        said: str = "",
        level: int = messages.SUCCESS,
        offer: CurationAction | None = None,
        over: bool = False,
    ) -> HttpResponse:
        curator = cast(User, request.user)
        item = queue.next_item(curator)
        correction: Correction | None = correction_of(offer) if offer else None
        context = {
            **self.admin_site.each_context(request),
            "title": "To curate",
            "opts": self.opts,
            "question": question(item) if item else None,
            "left": queue.open_items().count(),
            "said": said,
            "went_wrong": level in (messages.WARNING, messages.ERROR),
            "correction": correction,
            "offer_changes": correction is not None or over,
            "latest": latest_of(curator),
            "kinds": Label.Kind.choices,
        }
        name = "part" if getattr(request, "htmx", False) else "page"
        if name == "page":
            context["widest"] = widest_label()
        return TemplateResponse(request, f"admin/catalog/curationitem/{name}.html", context)


def _asked(request: HttpRequest) -> Asked | None:
    try:
        return Asked(*(parse_id(request.POST.get(name, "")) for name in ("item", "song", "label")))
    except ValueError:
        return None


def _named(labels: list[Label], text: str) -> bool:
    from ..names import label_key

    try:
        key = label_key(text)
    except ValueError:
        return True
    return any(label.key == key or label.aliases.filter(key=key).exists() for label in labels)
