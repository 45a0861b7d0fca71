"""What mood adds to the dashboard: the table of labels. Readings are the listeners' own, and are not shown here."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.views.decorators.http import require_POST

from catalog.names import label_key, storable
from catalog.search import labels_named

from . import services
from .labels import vocabulary
from .models import EmotionLabel


class EmotionLabelForm(forms.ModelForm):  # type: ignore[type-arg]
    """A label that a song here can have."""

    class Meta:
        model = EmotionLabel
        fields = ("emotion", "way", "label", "weight")

    def clean_label(self) -> str:
        """Find the label by any of its names, or make it."""
        name = storable(self.cleaned_data["label"]).strip()
        if label := labels_named(name).first():
            return label.name
        known = {label_key(word): word for word in vocabulary()}
        try:
            return known[label_key(name)]
        except (KeyError, ValueError):
            raise forms.ValidationError("No label here is called so, and no song would be found by it.") from None


class WeightForm(forms.ModelForm):  # type: ignore[type-arg]
    """The weight of a label, in the table."""

    class Meta:
        model = EmotionLabel
        fields = ("weight",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["weight"].widget.attrs["aria-label"] = f"Weight of {self.instance}"


@admin.register(EmotionLabel)
class EmotionLabelAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """The table from emotions to labels, edited in its list."""

    form = EmotionLabelForm
    list_display = ["label", "emotion", "way", "weight"]
    list_editable = ["weight"]
    list_filter = ["emotion", "way"]
    search_fields = ["label"]
    list_per_page = 36

    def get_urls(self) -> list[Any]:
        """Add the address that restores the default table."""
        reset = self.admin_site.admin_view(require_POST(self.reset_view))
        return [path("reset/", reset, name="mood_emotionlabel_reset"), *super().get_urls()]

    def get_changelist_form(self, request: HttpRequest, **kwargs: Any) -> type[forms.ModelForm]:  # type: ignore[type-arg]
        """Use a form that checks weights."""
        return WeightForm

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Tell the template whether this admin may restore the default table."""
        return super().changelist_view(request, {"may_reset": self._may_reset(request), **(extra_context or {})})

    def _may_reset(self, request: HttpRequest) -> bool:
        return self.has_change_permission(request) and self.has_delete_permission(request)

    def reset_view(self, request: HttpRequest) -> HttpResponse:
        """Put the table that DCMRS comes with in the place of this one."""
        if not self._may_reset(request):
            raise PermissionDenied
        services.reset_table()
        self.message_user(request, "The table is as it came.", messages.SUCCESS)
        return redirect("admin:mood_emotionlabel_changelist")
