"""Labels: their names, kinds and aliases; several made one."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth.models import User
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from ..http import parse_id
from ..models import Label, LabelAlias, SongLabel
from ..names import label_key
from ..services.curation import log
from ..services.curation.merge_preview import preview_merge
from ..services.labels import announce_labels_changed, delete_labels, merge_labels, rename_label
from .forms import clean_label_name


class LabelForm(forms.ModelForm):  # type: ignore[type-arg]
    """A label whose name no other one has."""

    class Meta:
        model = Label
        fields = ("name", "kind", "background")

    def clean_name(self) -> str:
        """Refuse a name that another label has."""
        return clean_label_name(self.cleaned_data["name"], self.instance)


class KindForm(forms.ModelForm):  # type: ignore[type-arg]
    """The kind of a label, and whether it is in the background, in the list."""

    class Meta:
        model = Label
        fields = ("kind", "background")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].widget.attrs["aria-label"] = f"Kind of {self.instance.name}"
        self.fields["background"].widget.attrs["aria-label"] = f"{self.instance.name} in the background"


class AliasForm(forms.ModelForm):  # type: ignore[type-arg]
    """Another spelling, which is no label's name and no other label's alias."""

    class Meta:
        model = LabelAlias
        fields = ("name",)

    def clean_name(self) -> str:
        """Refuse a name that another label has."""
        name = clean_label_name(self.cleaned_data["name"], self.instance.label)
        if label_key(name) == self.instance.label.key:
            raise forms.ValidationError("This is the label's own name.")
        return name


class AliasFormSet(forms.BaseInlineFormSet):  # type: ignore[type-arg]
    """The spellings of one label, each there once."""

    def clean(self) -> None:
        """Refuse two spellings that are the same."""
        super().clean()
        if any(self.errors):
            return
        kept = [form.cleaned_data for form in self.forms if form not in self.deleted_forms]
        keys = [label_key(cleaned["name"]) for cleaned in kept if cleaned]
        if len(set(keys)) < len(keys):
            raise forms.ValidationError("Two of these spellings are the same but for signs and capitals.")


class AliasInline(admin.TabularInline):  # type: ignore[type-arg]
    """The other spellings of a label."""

    model = LabelAlias
    form = AliasForm
    formset = AliasFormSet
    extra = 1
    verbose_name = "other spelling"
    verbose_name_plural = "other spellings"


# What the list can be sorted by.
_OF_LABEL = Coalesce(
    Subquery(
        SongLabel.objects.filter(label=OuterRef("pk"))
        .order_by()
        .values("label")
        .annotate(n=Count("song", distinct=True))
        .values("n")
    ),
    0,
)


def count_songs(labels: Iterable[Any]) -> None:
    """Set `song_count` of each of these labels, with one query."""
    labels = list(labels)
    of_label = SongLabel.objects.filter(label__in=[label.pk for label in labels]).order_by().values("label")
    counted = dict(of_label.annotate(n=Count("song", distinct=True)).values_list("label", "n"))
    for label in labels:
        label.song_count = counted.get(label.pk, 0)


class LabelChangeList(ChangeList):
    """A page of labels, with the number of songs of each.

    Grouped, these are counted in a quarter of the time that a subquery for each row takes.
    """

    def get_results(self, request: HttpRequest) -> None:
        """Count for the labels that the page shows."""
        super().get_results(request)
        count_songs(self.result_list)


@admin.register(Label)
class LabelAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Labels: renamed, merged and deleted through the services, so that the log has it."""

    form = LabelForm
    list_display = ("name", "kind", "background", "songs", "other_spellings")
    list_editable = ("kind", "background")
    list_filter = ("kind", "background")
    search_fields = ("name", "aliases__name")
    actions = ("merge",)
    list_per_page = 15

    def get_changelist_form(self, request: HttpRequest, **kwargs: Any) -> Any:
        """Let the list change what needs no more than a click."""
        return super().get_changelist_form(request, **{**kwargs, "form": KindForm})

    def get_inlines(self, request: HttpRequest, obj: Label | None) -> list[Any]:
        """Show other spellings of labels that exist."""
        # A label has other spellings once it has a name.
        return [AliasInline] if obj else []

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Count the songs of a page's labels, all at once."""
        return LabelChangeList

    def get_queryset(self, request: HttpRequest) -> QuerySet[Label]:
        """Read the aliases of labels with them."""
        labels: QuerySet[Label] = super().get_queryset(request).prefetch_related("aliases")
        return labels

    @admin.display(ordering=_OF_LABEL)
    def songs(self, label: Any) -> int:
        """Return how many songs have the label."""
        return int(label.song_count)

    @admin.display
    def other_spellings(self, label: Label) -> str:
        """Return the aliases."""
        return ", ".join(alias.name for alias in label.aliases.all())

    def save_model(self, request: HttpRequest, obj: Label, form: Any, change: bool) -> None:
        """Rename through the service, which keeps the old name as an alias."""
        if change and "name" in form.changed_data:
            name, obj.name = obj.name, form.initial["name"]
            rename_label(obj, name, cast(User, request.user))
        super().save_model(request, obj, form, change)
        if change and "background" in form.changed_data:
            announce_labels_changed(obj.song_labels.values_list("song_id", flat=True).distinct())

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Record a change of a label and its spellings as one action."""
        if request.method != "POST":
            return super().changeform_view(request, object_id, form_url, extra_context)
        label = self.get_object(request, unquote(object_id)) if object_id else None
        # The label and its other spellings are saved one after the other: the log has them as one.
        kind, scopes = log.Kind.CHANGED, log.label_itself(label.pk if label else None)
        with log.recorded(kind, cast(User, request.user), "", *scopes) as recording:
            response = super().changeform_view(request, object_id, form_url, extra_context)
            name = request.POST.get("name", "")
            recording.summary = (
                f"{label}: name, kind, background or other spellings changed" if label else f"{name}: a new label"
            )
        return response

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Record changes in the list as one action."""
        if request.method != "POST" or "_save" not in request.POST:
            return super().changelist_view(request, extra_context)
        sent = [str(pk) for name, pk in request.POST.items() if name.endswith("-id")]
        shown = []
        for pk in sent:
            with suppress(ValueError):
                shown.append(parse_id(pk))
        scope = log.Scope(Label, Q(pk__in=shown))
        with log.recorded(log.Kind.CHANGED, cast(User, request.user), "Labels changed: kind or background", scope):
            return super().changelist_view(request, extra_context)

    def delete_model(self, request: HttpRequest, obj: Label) -> None:
        """Delete through the service, which logs it."""
        delete_labels([obj], cast(User, request.user))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Label]) -> None:
        """Delete through the service, which logs it."""
        delete_labels(queryset, cast(User, request.user))

    @admin.action(description="Merge selected labels into one", permissions=["change"])
    def merge(self, request: HttpRequest, queryset: QuerySet[Label]) -> HttpResponse | None:
        """First a page that shows what would change for each label that could stay; then the merge."""
        count_songs(queryset)
        labels = sorted(queryset, key=lambda label: (-self.songs(label), label.name))
        if len(labels) < 2:
            self.message_user(request, "Choose two labels or more to merge.", messages.WARNING)
            return None
        into = next((label for label in labels if str(label.pk) == request.POST.get("into")), None)
        if into is None:
            return self._merge_page(request, labels)
        names = ", ".join(label.name for label in labels if label.pk != into.pk)
        merge_labels(labels, into, cast(User, request.user))
        self.log_change(request, into, f"Merged into it: {names}")
        self.message_user(request, f"{names}: now {into.name}.", messages.SUCCESS)
        return redirect("admin:catalog_label_changelist")

    def _merge_page(self, request: HttpRequest, labels: list[Label]) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": "Merge labels",
            "opts": self.opts,
            "previews": [preview_merge(labels, into) for into in labels],
            "labels": labels,
            "checkbox_name": ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, "admin/catalog/label/merge.html", context)
