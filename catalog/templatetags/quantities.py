"""Figures as people say them, for templates."""

from __future__ import annotations

from django import template

from .. import quantities

register = template.Library()

register.filter("size", quantities.size)
register.filter("duration", quantities.duration)
