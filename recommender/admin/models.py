"""Model pages of the admin: snapshots and evaluations (read-only), and the query vocabulary."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from catalog.admin.read_only import ReadOnlyAdmin
from catalog.names import storable
from catalog.search import labels_named

from ..engine.query_parser import LONGEST_TEXT
from ..engine.query_tokens import word_key
from ..evaluation import evaluation_history
from ..models import Evaluation, Snapshot, Word, WordLabel
from ..services import finding, query_vocabulary


@admin.register(Snapshot)
class SnapshotAdmin(ReadOnlyAdmin):
    """Read-only list of snapshots."""

    list_display = ["version", "kind", "current", "created_at", "took", "songs", "labelled_songs", "labels", "plays"]
    list_filter = ["kind", "current"]
    fields = ["version", "kind", "current", "created_at", "took", "built_from", "folder", "damaged"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Deny deletion."""
        return False

    @admin.display(ordering="seconds")
    def took(self, snapshot: Snapshot) -> str:
        """Duration in seconds."""
        return f"{snapshot.seconds:.1f} s"

    @admin.display
    def songs(self, snapshot: Snapshot) -> str:
        """Number of songs."""
        return _count(snapshot, "songs")

    @admin.display
    def labelled_songs(self, snapshot: Snapshot) -> str:
        """Number of songs with labels."""
        return _count(snapshot, "labelled_songs")

    @admin.display
    def labels(self, snapshot: Snapshot) -> str:
        """Number of labels."""
        return _count(snapshot, "labels")

    @admin.display
    def plays(self, snapshot: Snapshot) -> str:
        """Number of plays."""
        return _count(snapshot, "plays")

    @admin.display
    def built_from(self, snapshot: Snapshot) -> SafeString:
        """The counts of the training data as a list."""
        counts = ((_count(snapshot, name), name.replace("_", " ")) for name in snapshot.figures)
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{} {}</li>", counts))


@admin.register(Evaluation)
class EvaluationAdmin(ReadOnlyAdmin):
    """Read-only list of evaluations, with charts of their history."""

    list_display = ["created_at", "protocol", "snapshot_version", "took", "best", "its_map", "listeners", "splits"]
    list_filter = ["protocol"]
    fields = ["created_at", "protocol", "snapshot_version", "took", "listeners", "splits", "figures"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Deny deletion."""
        return False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list, below charts of the evaluation history."""
        return super().changelist_view(
            request, {"map_charts": evaluation_history.map_charts(), **(extra_context or {})}
        )

    @admin.display(ordering="seconds")
    def took(self, evaluation: Evaluation) -> str:
        """Duration in seconds."""
        return f"{evaluation.seconds:.0f}\u00a0s"

    @admin.display
    def best(self, evaluation: Evaluation) -> str:
        """The method with the highest MAP."""
        methods: dict[str, Any] = evaluation.figures["methods"]
        return max(methods, key=lambda name: float(methods[name]["map"]))

    @admin.display(description="its MAP")
    def its_map(self, evaluation: Evaluation) -> str:
        """The highest MAP."""
        return f"{max(figures['map'] for figures in evaluation.figures['methods'].values()):.3f}"

    @admin.display
    def listeners(self, evaluation: Evaluation) -> str:
        """Number of evaluated listeners."""
        return f"{evaluation.figures['listeners']:,}"

    @admin.display
    def splits(self, evaluation: Evaluation) -> int:
        """Number of splits."""
        return int(evaluation.figures["splits"])


def _count(snapshot: Snapshot, name: str) -> str:
    """A figure with thousands separators."""
    value = snapshot.figures.get(name)
    return "" if value is None else f"{value:,}"


_WITH_LABELS = "Choose a word that has labels of its own."


class WordForm(forms.ModelForm):  # type: ignore[type-arg]
    """Form of a word; refuses duplicates and chains of synonyms."""

    class Meta:
        """Options of the class."""

        model = Word
        fields = ("text", "same_as", "in_names")
        error_messages = {"same_as": {"invalid_choice": _WITH_LABELS}}

    def clean_text(self) -> str:
        """Normalize spaces; refuse duplicates and text without letters or digits."""
        text = " ".join(storable(self.cleaned_data["text"]).split())
        key = word_key(text)
        if not key:
            raise forms.ValidationError("A word has letters or digits.")
        if Word.objects.filter(key=key).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError("This word is in the table already.")
        return text

    def clean_same_as(self) -> Word | None:
        """Refuse chains of synonyms."""
        same_as: Word | None = self.cleaned_data["same_as"]
        if same_as is None:
            return None
        if same_as.pk == self.instance.pk:
            raise forms.ValidationError(_WITH_LABELS)
        if self.instance.pk and self.instance.synonyms.exists():
            raise forms.ValidationError("Other words mean the same as this one: it needs labels of its own.")
        return same_as


class WordLabelForm(forms.ModelForm):  # type: ignore[type-arg]
    """Form of a word's label, which need not exist in the library."""

    class Meta:
        """Options of the class."""

        model = WordLabel
        fields = ("label", "weight")

    def clean_label(self) -> str:
        """Use the spelling of a known label; refuse names without letters or digits."""
        name = " ".join(storable(self.cleaned_data["label"]).split())
        if label := labels_named(name).first():
            return label.name
        if not word_key(name):
            raise forms.ValidationError("A label has letters or digits.")
        return name

    def clean_weight(self) -> float:
        """Refuse weights outside -1 to 1, and 0."""
        weight = float(self.cleaned_data["weight"])
        if not -1 <= weight <= 1 or not weight:
            raise forms.ValidationError("A weight lies between -1 and 1, and is not 0.")
        return weight


class WordLabelInline(admin.TabularInline):  # type: ignore[type-arg]
    """The labels of a word."""

    model = WordLabel
    form = WordLabelForm
    extra = 1


class IsSynonym(admin.SimpleListFilter):
    """Filters words with labels of their own or synonyms."""

    title = "meaning"
    parameter_name = "meaning"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The filter's choices."""
        return [("own", "labels of its own"), ("same", "the same as another word")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Word]) -> QuerySet[Word]:
        """Apply the filter."""
        return queryset if self.value() is None else queryset.filter(same_as__isnull=self.value() == "own")


@admin.register(Word)
class WordAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """The query vocabulary: list, forms, a box to try queries, and reset."""

    form = WordForm
    inlines = [WordLabelInline]
    list_display = ["text", "means"]
    list_filter = [IsSynonym]
    search_fields = ["text", "labels__label", "same_as__text"]
    autocomplete_fields = ["same_as"]
    list_per_page = 50

    def get_queryset(self, request: HttpRequest) -> QuerySet[Word]:
        """The objects of this view."""
        return super().get_queryset(request).select_related("same_as").prefetch_related("labels")

    @admin.display
    def means(self, word: Word) -> str:
        """The labels of the word as text, or the word it is a synonym of."""
        if word.same_as:
            return f"the same as {word.same_as}"
        return ", ".join(f"{one.label} {one.weight:g}" for one in word.labels.all()) or "nothing yet"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Word], search_term: str
    ) -> tuple[QuerySet[Word], bool]:
        """Search by text or label; the autocomplete of `same_as` offers only words with labels."""
        found, more_than_once = super().get_search_results(request, queryset, search_term)
        if request.path.endswith("/autocomplete/"):
            found = found.filter(same_as=None)
        return found, more_than_once

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Delete the labels of a word that became a synonym, because they would have no effect."""
        super().save_related(request, form, formsets, change)
        if form.instance.same_as_id and form.instance.labels.exists():
            form.instance.labels.all().delete()
            self.message_user(
                request,
                f"Its labels are those of {form.instance.same_as}: the ones beside it are gone.",
                messages.WARNING,
            )

    def get_urls(self) -> list[Any]:
        """Add the URL of the reset."""
        reset = self.admin_site.admin_view(require_POST(self.reset_view))
        return [path("reset/", reset, name="recommender_word_reset"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list, with a form to try the parser."""
        text = request.GET.get("try", "")[:LONGEST_TEXT]
        if "try" in request.GET:
            # The parameter is not a filter of the list.
            request.GET = request.GET.copy()  # type: ignore[assignment]
            del request.GET["try"]  # type: ignore[misc]
        tried = finding.parse_query(text) if text else None
        context = {"may_reset": self._may_reset(request), "tried_text": text, "tried": tried}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def _may_reset(self, request: HttpRequest) -> bool:
        return self.has_change_permission(request) and self.has_delete_permission(request)

    def reset_view(self, request: HttpRequest) -> HttpResponse:
        """Reset the vocabulary to the defaults."""
        if not self._may_reset(request):
            raise PermissionDenied
        query_vocabulary.reset_table()
        self.message_user(request, "The table is as it came.", messages.SUCCESS)
        return redirect("admin:recommender_word_changelist")
