"""Figures as people say them, for templates."""

from __future__ import annotations

from django import template

from .. import words

register = template.Library()

register.filter("size", words.size)
register.filter("duration", words.duration)
