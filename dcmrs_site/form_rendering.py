"""Renders the widgets of forms.

Lists of the admin have a box or fields in each row, and most of what such a page took was to render them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.forms.renderers import DjangoTemplates
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

_WIDGETS = "django/forms/widgets/"
_SELECT = f"{_WIDGETS}select.html"
_INPUTS = {f"{_WIDGETS}{name}.html" for name in ("checkbox", "hidden", "number", "text")}
_ERRORS = "django/forms/errors/list/ul.html"


class FormRenderer(DjangoTemplates):
    """Renders what lists repeat in each row without a template, all else as Django does by default.

    That is widgets, and that nothing is wrong with them. What it writes is what Django's templates write.
    """

    def render(self, template_name: str, context: dict[str, Any], request: HttpRequest | None = None) -> SafeString:
        """Return a widget, a form or a part of one as HTML."""
        if template_name in _INPUTS:
            return _input(context["widget"])
        if template_name == _SELECT:
            return _select(context["widget"])
        if template_name == _ERRORS and not context["errors"]:
            return SafeString()
        return super().render(template_name, context, request)


def _input(widget: Mapping[str, Any]) -> SafeString:
    value = "" if widget["value"] is None else format_html(' value="{}"', widget["value"])
    attributes = _attributes(widget["attrs"])
    return format_html('<input type="{}" name="{}"{}{}>', widget["type"], widget["name"], value, attributes)


def _select(widget: Mapping[str, Any]) -> SafeString:
    groups = format_html_join("", "{}", ((_group(name, options),) for name, options, _ in widget["optgroups"]))
    return format_html('<select name="{}"{}>{}\n</select>', widget["name"], _attributes(widget["attrs"]), groups)


def _group(name: str | None, options: list[dict[str, Any]]) -> SafeString:
    written = format_html_join(
        "",
        '\n  <option value="{}"{}>{}</option>',
        ((option["value"], _attributes(option["attrs"]), option["label"]) for option in options),
    )
    return format_html('\n  <optgroup label="{}">{}\n  </optgroup>', name, written) if name else written


def _attributes(attributes: Mapping[str, Any]) -> SafeString:
    """The attributes of an element: without those that are False, and without a value where it is True."""
    written = (
        format_html(" {}", name) if value is True else format_html(' {}="{}"', name, value)
        for name, value in attributes.items()
        if value is not False
    )
    return mark_safe("".join(written))  # noqa: S308 (each is escaped)
