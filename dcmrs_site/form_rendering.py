"""Renders the widgets of forms.

Lists of the admin have a box or fields in each row, and most of what such a page took was to render them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from html import escape
from typing import Any

from django.forms.renderers import DjangoTemplates
from django.http import HttpRequest
from django.utils.safestring import SafeData, SafeString

_WIDGETS = "django/forms/widgets/"
_SELECT = f"{_WIDGETS}select.html"
_INPUTS = {f"{_WIDGETS}{name}.html" for name in ("checkbox", "hidden", "number", "text")}
_SHORT = 40
_ERRORS = "django/forms/errors/list/ul.html"


class FormRenderer(DjangoTemplates):
    """Renders without a template what lists repeat in each row; everything else as Django does by default.

    That is widgets, and that nothing is wrong with them. What it writes is what Django's templates write.
    """

    def render(self, template_name: str, context: dict[str, Any], request: HttpRequest | None = None) -> SafeString:
        """Return a widget, a form or a part of one as HTML."""
        if template_name in _INPUTS:
            return SafeString(_input(context["widget"]))
        if template_name == _SELECT:
            return SafeString(_select(context["widget"]))
        if template_name == _ERRORS and not context["errors"]:
            return SafeString()
        return SafeString(super().render(template_name, context, request))


# Each value is escaped where it is put in. `format_html`, which does so for any text, takes four times as long.


def _input(widget: Mapping[str, Any]) -> str:
    value = "" if widget["value"] is None else f' value="{_escaped(widget["value"])}"'
    return (
        f'<input type="{_escaped(widget["type"])}" name="{_escaped(widget["name"])}"{value}'
        f"{_attributes(widget['attrs'])}>"
    )


def _select(widget: Mapping[str, Any]) -> str:
    groups = "".join(_group(name, options) for name, options, _ in widget["optgroups"])
    return f'<select name="{_escaped(widget["name"])}"{_attributes(widget["attrs"])}>{groups}\n</select>'


def _group(name: str | None, options: list[dict[str, Any]]) -> str:
    written = "".join(
        f'\n  <option value="{_escaped(one["value"])}"{_attributes(one["attrs"])}>{_escaped(one["label"])}</option>'
        for one in options
    )
    return f'\n  <optgroup label="{_escaped(name)}">{written}\n  </optgroup>' if name else written


def _attributes(attributes: Mapping[str, Any]) -> str:
    """Return the attributes of an element: none for False, a name without a value for True."""
    return "".join(
        f" {_escaped(name)}" if value is True else f' {_escaped(name)}="{_escaped(value)}"'
        for name, value in attributes.items()
        if value is not False
    )


def _escaped(value: object) -> str:
    if isinstance(value, SafeData):
        return str(value)
    text = str(value)
    return _escaped_again(text) if len(text) <= _SHORT else escape(text)


# Rows repeat the names of attributes, classes and choices; long texts, which would fill memory, are not kept.
_escaped_again = lru_cache(4096)(escape)
