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
from ..names import distinct_artists, label_key, split_guests
from ..services.curation import log
from ..services.labels import announce_labels_changed, curate, curate_named
from ..services.song_merging import merge_songs
from .song_merging import preview_merge

_VERDICTS = [("", "no word"), ("yes", "yes"), ("no", "no")]
_MOST_SUGGESTIONS = 500
_MOST_MERGED = 20
_MEANING = {"": None, "yes": True, "no": False}


@dataclass(slots=True)
class LabelAnnotations:
    """What each source says of one label of a song."""

    label: Label
    predicted: list[str] = field(default_factory=list)
    imported: list[str] = field(default_factory=list)
    verdict: str = ""


def annotations_by_label(song: Song) -> list[LabelAnnotations]:
    """Every label of a song with its annotations, by kind and name, in one query."""
    lines: dict[int, LabelAnnotations] = {}
    annotations = song.song_labels.select_related("label").order_by("label__kind", "label__name", "origin")
    for annotation in annotations:
        line = lines.setdefault(annotation.label_id, LabelAnnotations(annotation.label))
        if annotation.source == SongLabel.Source.CURATOR:
            line.verdict = "yes" if annotation.weight > 0 else "no"
        elif annotation.source == SongLabel.Source.CNN:
            line.predicted.append(f"{annotation.weight:.2f} ({annotation.origin})")
        else:
            line.imported.append(f"{annotation.weight:g} ({annotation.origin})")
    return list(lines.values())


class VerdictsForm(forms.Form):
    """A curator's yes or no to each label of a song, and to a new one."""

    new_label = forms.CharField(required=False, max_length=100, label="Another label")
    new_kind = forms.ChoiceField(choices=Label.Kind.choices, initial=Label.Kind.OTHER, required=False, label="Kind")

    def __init__(self, song: Song, data: Any = None) -> None:
        super().__init__(data, prefix="verdict", auto_id="id_%s")
        self.song = song
        self.lines = annotations_by_label(song)
        for line in self.lines:
            self.fields[str(line.label.pk)] = forms.ChoiceField(
                choices=_VERDICTS, initial=line.verdict, required=False, label=line.label.name
            )

    def rows(self) -> Iterator[tuple[LabelAnnotations, forms.BoundField]]:
        """Each label with its field."""
        for line in self.lines:
            yield line, self[str(line.label.pk)]

    def clean_new_label(self) -> str:
        """Refuse a name that no label can have."""
        name = str(self.cleaned_data["new_label"]).strip()
        if name:
            label_key(name)
        return name

    def save(self, curator: User) -> list[str]:
        """Store what changed, and say it in words; the log of curation has it as one."""
        with log.recorded(log.Kind.SEVERAL, curator, "") as recording:
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
        """Return the choices of the filter."""
        return [("here", "Can be played"), ("missing", "File is gone"), ("none", "Never had a file")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Song]) -> QuerySet[Song]:
        """Return the songs that the filter chooses."""
        conditions = {
            "here": ~Q(path="") & Q(missing_since=None),
            "missing": Q(missing_since__isnull=False),
            "none": Q(path=""),
        }
        condition = conditions.get(self.value() or "")
        return queryset if condition is None else queryset.filter(condition)


class IdentifierInline(admin.TabularInline):  # type: ignore[type-arg]
    """The names by which a song is known elsewhere."""

    model = SongIdentifier
    extra = 0


@admin.register(Song)
class SongAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Songs: their data, a curator's verdicts on their labels, and merging."""

    change_form_template = "admin/catalog/song/change_form.html"
    change_list_template = "admin/catalog/song/change_list.html"
    list_display = ("title", "artist", "album", "length", "has_audio", "tagging_state", "tagging_error")
    list_filter = ("tagging_state", AudioFilter, "root")
    search_fields = ("title", "artist", "album", "identifiers__value", "path")
    show_full_result_count = False
    list_per_page = 50
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

    def save_model(self, request: HttpRequest, obj: Song, form: Any, change: bool) -> None:
        """Store the song; the list of its artists follows what is written of them."""
        if "artist" in form.changed_data:
            names = distinct_artists(split_guests(obj.artist))
            obj.artists = names if len(names) > 1 else []
        if "album_artist" in form.changed_data:
            obj.gathered = False
        super().save_model(request, obj, form, change)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: songs come with files and imports."""
        return False

    @admin.display(description="length", ordering="duration_s")
    def length(self, song: Song) -> str:
        """Return the duration as minutes and seconds."""
        return clock(song.duration_s)

    @admin.display(description="audio", boolean=True)
    def has_audio(self, song: Song) -> bool:
        """Return whether the song can be played."""
        return song.playable

    @admin.display(description="embedding", boolean=True)
    def has_embedding(self, song: Song) -> bool:
        """Return whether the song has an embedding."""
        return SongEmbedding.objects.filter(song=song).exists()

    @admin.display(description="as shown")
    def picture(self, song: Song) -> SafeString:
        """Return the cover as it is shown."""
        return format_html('<img src="{}" width="160" height="160" alt="">', cover_url(song))

    @admin.action(description="Join selected songs into one", permissions=["change"])
    def join(self, request: HttpRequest, queryset: QuerySet[Song]) -> HttpResponse | None:
        """First a page that shows what there is of each song that could stay; then the merging."""
        songs = list(queryset.order_by("pk")[: _MOST_MERGED + 1])
        if not 2 <= len(songs) <= _MOST_MERGED:
            self.message_user(request, f"Choose 2 to {_MOST_MERGED} songs to join.", messages.WARNING)
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
                "previews": preview_merge(songs),
                "checkbox_name": ACTION_CHECKBOX_NAME,
            }
            return TemplateResponse(request, "admin/catalog/song/merge.html", context)
        names = ", ".join(str(song) for song in songs if song != into)
        merge_songs(songs, into, cast(User, request.user))
        self.log_change(request, into, f"Joined to it: {names}")
        self.message_user(request, f"{names}: now part of {into}.", messages.SUCCESS)
        return redirect("admin:catalog_song_changelist")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show how far tagging is above the list."""
        counted = Song.objects.with_file().order_by().values_list("tagging_state").annotate(Count("pk"))
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
        """Add the form of verdicts on labels."""
        if obj is not None:
            context["verdicts"] = VerdictsForm(obj, request.POST if request.method == "POST" else None)
            context["known_labels"] = Label.objects.values_list("name", flat=True)[:_MOST_SUGGESTIONS]
        return super().render_change_form(request, context, add, change, form_url, obj)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Store the verdicts on labels."""
        super().save_related(request, form, formsets, change)
        verdicts = VerdictsForm(form.instance, request.POST)
        if not verdicts.is_valid():
            self.message_user(request, "The labels were left as they are: they were not understood.", messages.ERROR)
        elif changed := verdicts.save(cast(User, request.user)):
            self.log_change(request, form.instance, f"Curated {', '.join(changed)}")

    def delete_model(self, request: HttpRequest, obj: Song) -> None:
        """Delete as `delete_queryset` does."""
        self.delete_queryset(request, Song.objects.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Song]) -> None:
        """Delete songs and announce that their labels are gone."""
        with transaction.atomic():
            announce_labels_changed(list(queryset.values_list("pk", flat=True)))
            queryset.delete()
