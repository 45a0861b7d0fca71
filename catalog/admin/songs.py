"""Songs: what is known of them, and their labels, the taggers' beside the curators'."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from ..components import clock, cover_url
from ..models import Label, Song, SongEmbedding, SongIdentifier, SongLabel
from ..names import label_key
from ..services.curation import log
from ..services.joining import join_songs
from ..services.labels import announce_labels_changed, curate, curate_named
from .joining import preview_join

_VERDICTS = [("", "no word"), ("yes", "yes"), ("no", "no")]
_MOST_SUGGESTIONS = 500
_MOST_JOINED = 20
_MEANING = {"": None, "yes": True, "no": False}


@dataclass(slots=True)
class LabelLine:
    """What each source says of one label of a song."""

    label: Label
    heard: list[str] = field(default_factory=list)
    imported: list[str] = field(default_factory=list)
    verdict: str = ""


def label_lines(song: Song) -> list[LabelLine]:
    """Every label said of a song, by kind and name, in one query."""
    lines: dict[int, LabelLine] = {}
    words = song.song_labels.select_related("label").order_by("label__kind", "label__name", "origin")
    for word in words:
        line = lines.setdefault(word.label_id, LabelLine(word.label))
        if word.source == SongLabel.Source.CURATOR:
            line.verdict = "yes" if word.weight > 0 else "no"
        elif word.source == SongLabel.Source.CNN:
            line.heard.append(f"{word.weight:.2f} ({word.origin})")
        else:
            line.imported.append(f"{word.weight:g} ({word.origin})")
    return list(lines.values())


class VerdictsForm(forms.Form):
    """A curator's yes or no to each label of a song, and to one that nobody has said yet."""

    new_label = forms.CharField(required=False, max_length=100, label="Another label")
    new_kind = forms.ChoiceField(choices=Label.Kind.choices, initial=Label.Kind.OTHER, required=False, label="Kind")

    def __init__(self, song: Song, data: Any = None) -> None:
        super().__init__(data, prefix="verdict", auto_id="id_%s")
        self.song = song
        self.lines = label_lines(song)
        for line in self.lines:
            self.fields[str(line.label.pk)] = forms.ChoiceField(
                choices=_VERDICTS, initial=line.verdict, required=False, label=line.label.name
            )

    def rows(self) -> Iterator[tuple[LabelLine, forms.BoundField]]:
        """Each label with its field."""
        for line in self.lines:
            yield line, self[str(line.label.pk)]

    def clean_new_label(self) -> str:
        name = str(self.cleaned_data["new_label"]).strip()
        if name:
            label_key(name)
        return name

    def save(self, curator: User) -> list[str]:
        """Store what changed, and say it in words; the log of curation has it as one."""
        with log.recorded(log.Kind.SAID, curator, "") as recording:
            changed = self._save(curator)
            recording.summary = f"{', '.join(changed)} on {self.song}"
        return changed

    def _save(self, curator: User) -> list[str]:
        changed = []
        for line in self.lines:
            name = str(line.label.pk)
            verdict = self.cleaned_data[name]
            # What came after the page was loaded was not asked there: it stays.
            if self.add_prefix(name) in self.data and verdict != line.verdict:
                curate(self.song, line.label, _MEANING[verdict], curator)
                changed.append(f"{line.label.name}: {verdict or 'no word'}")
        if name := self.cleaned_data["new_label"]:
            label = curate_named(self.song, name, self.cleaned_data["new_kind"] or Label.Kind.OTHER, curator)
            changed.append(f"{label.name}: yes")
        return changed


class AudioFilter(admin.SimpleListFilter):
    """By whether there is a file."""

    title = "audio"
    parameter_name = "audio"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("here", "Can be played"), ("missing", "File is gone"), ("none", "Never had a file")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Song]) -> QuerySet[Song]:
        conditions = {
            "here": ~Q(path="") & Q(missing_since=None),
            "missing": Q(missing_since__isnull=False),
            "none": Q(path=""),
        }
        condition = conditions.get(self.value() or "")
        return queryset if condition is None else queryset.filter(condition)


class IdentifierInline(admin.TabularInline):  # type: ignore[type-arg]
    model = SongIdentifier
    extra = 0


@admin.register(Song)
class SongAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    change_form_template = "admin/catalog/song/change_form.html"
    change_list_template = "admin/catalog/song/change_list.html"
    list_display = ("title", "artist", "album", "length", "has_audio", "tagging_state", "tagging_error")
    list_filter = ("tagging_state", AudioFilter, "root")
    search_fields = ("title", "artist", "album", "identifiers__value", "path")
    show_full_result_count = False
    actions = ("join",)
    inlines = (IdentifierInline,)
    readonly_fields = (
        "picture",
        "length",
        "root",
        "path",
        "size",
        "codec",
        "missing_since",
        "tagging_state",
        "tagging_error",
        "tagging_attempts",
        "tagging_changed_at",
        "has_embedding",
        "added_at",
        "uploaded_by",
    )
    fieldsets = (
        (None, {"fields": ("title", "artist", "album", "album_artist", "year", ("track_number", "disc_number"))}),
        ("Picture", {"classes": ("collapse",), "fields": ("picture", "cover")}),
        (
            "Tagging",
            {
                "fields": (
                    "tagging_state",
                    "tagging_error",
                    "tagging_attempts",
                    "tagging_changed_at",
                    "has_embedding",
                )
            },
        ),
        (
            "File",
            {
                "classes": ("collapse",),
                "fields": ("root", "path", "length", "size", "codec", "missing_since", "added_at", "uploaded_by"),
            },
        ),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.display(description="length", ordering="duration_s")
    def length(self, song: Song) -> str:
        return clock(song.duration_s)

    @admin.display(description="audio", boolean=True)
    def has_audio(self, song: Song) -> bool:
        return song.playable

    @admin.display(description="embedding", boolean=True)
    def has_embedding(self, song: Song) -> bool:
        return SongEmbedding.objects.filter(song=song).exists()

    @admin.display(description="as shown")
    def picture(self, song: Song) -> SafeString:
        return format_html('<img src="{}" width="160" height="160" alt="">', cover_url(song))

    @admin.action(description="Join selected songs into one", permissions=["change"])
    def join(self, request: HttpRequest, queryset: QuerySet[Song]) -> HttpResponse | None:
        """First a page that shows what there is of each song that could stay; then the joining."""
        songs = list(queryset.order_by("pk")[: _MOST_JOINED + 1])
        if not 2 <= len(songs) <= _MOST_JOINED:
            self.message_user(request, f"Choose 2 to {_MOST_JOINED} songs to join.", messages.WARNING)
            return None
        if len(with_file := [song for song in songs if song.path]) > 1:
            names = " and ".join(map(str, with_file))
            self.message_user(request, f"{names} have files of their own: only one such song can stay.", messages.ERROR)
            return None
        into = next((song for song in songs if str(song.pk) == request.POST.get("into")), None)
        if into is None or (with_file and into != with_file[0]):
            context = {
                **self.admin_site.each_context(request),
                "title": "Join songs",
                "opts": self.opts,
                "previews": preview_join(songs),
                "checkbox_name": ACTION_CHECKBOX_NAME,
            }
            return TemplateResponse(request, "admin/catalog/song/join.html", context)
        names = ", ".join(str(song) for song in songs if song != into)
        join_songs(songs, into, cast(User, request.user))
        self.log_change(request, into, f"Joined to it: {names}")
        self.message_user(request, f"{names}: now part of {into}.", messages.SUCCESS)
        return redirect("admin:catalog_song_changelist")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        counted = Song.objects.exclude(path="").order_by().values_list("tagging_state").annotate(Count("pk"))
        return super().changelist_view(request, {**(extra_context or {}), "tagging": dict(counted)})

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Song | None = None,
    ) -> HttpResponse:
        if obj is not None:
            context["verdicts"] = VerdictsForm(obj, request.POST if request.method == "POST" else None)
            context["known_labels"] = Label.objects.values_list("name", flat=True)[:_MOST_SUGGESTIONS]
        return super().render_change_form(request, context, add, change, form_url, obj)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        verdicts = VerdictsForm(form.instance, request.POST)
        if not verdicts.is_valid():
            self.message_user(request, "The labels were left as they are: they were not understood.", messages.ERROR)
        elif changed := verdicts.save(cast(User, request.user)):
            self.log_change(request, form.instance, f"Curated {', '.join(changed)}")

    def delete_model(self, request: HttpRequest, obj: Song) -> None:
        self.delete_queryset(request, Song.objects.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Song]) -> None:
        with transaction.atomic():
            announce_labels_changed(list(queryset.values_list("pk", flat=True)))
            queryset.delete()
