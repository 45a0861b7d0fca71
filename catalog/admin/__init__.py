"""The admin: songs and their labels, ratings and plays, accounts, and the library's folders."""

from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm

from accounts.forms import LogInForm

from . import (
    cover_lookups,
    curation,
    curation_log,
    labels,
    library,
    listening,
    people,
    playlists,
    song_merging,
    songs,
)

__all__ = [
    "cover_lookups",
    "curation",
    "curation_log",
    "labels",
    "library",
    "listening",
    "people",
    "playlists",
    "song_merging",
    "songs",
]


class AdminLogInForm(LogInForm, AdminAuthenticationForm):
    """For admins only, and says so when there were too many failures."""


admin.site.site_header = "DCMRS dashboard"
admin.site.site_title = "DCMRS"
admin.site.index_title = "What is here"
admin.site.login_form = AdminLogInForm
