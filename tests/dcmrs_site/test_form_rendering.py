"""The renderer of forms: it writes what Django's own does."""

from __future__ import annotations

import pytest
from django import forms
from django.conf import settings
from django.forms.renderers import DjangoTemplates, get_default_renderer
from django.utils.safestring import mark_safe

from dcmrs_site.form_rendering import FormRenderer

HOSTILE = '<b>"it\'s" & more</b>'
CHOICES = [("", "---"), ("a", HOSTILE), (3, "three"), ("of a group", [("x", "X"), (HOSTILE, "odd")])]
WIDGETS: list[tuple[forms.Widget, list[object]]] = [
    (forms.TextInput(attrs={"aria-label": mark_safe("a &amp; b")}), [mark_safe("c &amp; d")]),
    (forms.TextInput(attrs={"aria-label": HOSTILE, "required": True, "disabled": False}), [None, "", HOSTILE, 5]),
    (forms.NumberInput(attrs={"step": 0.1, "min": 0}), [None, 0, 1.5, 1_000_000]),
    (forms.HiddenInput(), [None, "", HOSTILE, 12_345]),
    (forms.CheckboxInput(attrs={"class": "action-select", "id": None}), [None, True, False, "7"]),
    (forms.Select(choices=CHOICES), [None, "", "a", 3, "3", HOSTILE]),
    (forms.NullBooleanSelect(), [None, True]),
    (forms.SelectMultiple(choices=CHOICES), [None, [], ["a", 3]]),
    (forms.Textarea(), [None, HOSTILE]),
    (forms.RadioSelect(choices=CHOICES), [None, "a"]),
    (forms.PasswordInput(), [None, "secret"]),
]


def test_the_site_renders_forms_with_it() -> None:
    assert settings.FORM_RENDERER == "dcmrs_site.form_rendering.FormRenderer"
    assert isinstance(get_default_renderer(), FormRenderer)


@pytest.mark.parametrize(("widget", "values"), WIDGETS, ids=lambda one: type(one).__name__)
def test_each_widget_is_what_django_writes(widget: forms.Widget, values: list[object]) -> None:
    for value in values:
        for attributes in (None, {"id": "id_field", "aria-describedby": HOSTILE}):
            written = widget.render("na<me", value, attributes, FormRenderer())
            assert _lines(written) == _lines(widget.render("na<me", value, attributes, DjangoTemplates()))
            assert HOSTILE not in written


def test_a_bound_form_with_errors_is_what_django_writes() -> None:
    class Everything(forms.Form):
        words = forms.CharField(max_length=5, help_text="A word.")
        number = forms.FloatField(localize=True)
        sure = forms.BooleanField()
        kind = forms.ChoiceField(choices=CHOICES)

    sent = {"words": HOSTILE, "number": "many", "kind": "nothing"}
    ours, django = Everything(sent, renderer=FormRenderer()), Everything(sent, renderer=DjangoTemplates())
    assert _lines(ours.as_div()) == _lines(django.as_div())
    assert "errorlist" in ours.as_div()


def _lines(html: str) -> list[str]:
    """The lines that are not empty: Django's templates leave some between the options of a select."""
    return [line.rstrip() for line in html.splitlines() if line.strip()]
