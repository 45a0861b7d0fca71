"""The links to the site's stylesheets."""

from __future__ import annotations

from functools import lru_cache

from django import template
from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.templatetags.static import static
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from ..static_files import STYLESHEETS, WHOLE_STYLESHEET, StaticFiles

register = template.Library()


@register.simple_tag
@lru_cache(maxsize=1)
def stylesheets() -> SafeString:
    """One link to the bundle that `collectstatic` makes, else one for each stylesheet."""
    joined = isinstance(staticfiles_storage, StaticFiles) and not settings.DEBUG
    names = [WHOLE_STYLESHEET] if joined else STYLESHEETS
    return format_html_join("\n  ", '<link rel="stylesheet" data-site href="{}">', ((static(name),) for name in names))
