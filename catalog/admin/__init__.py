"""The admin's desk: songs and their labels, what listeners said, the folders of the library."""

from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm

from ..accounts import LogInForm
from . import curation, curation_log, joining, labels, library, listening, people, playlists, songs

__all__ = ["curation", "curation_log", "joining", "labels", "library", "listening", "people", "playlists", "songs"]


class DeskLogInForm(LogInForm, AdminAuthenticationForm):
    """For admins only, and says so when there were too many failures."""


admin.site.site_header = "DCMRS, the admin's desk"
admin.site.site_title = "DCMRS"
admin.site.index_title = "What is here"
admin.site.login_form = DeskLogInForm
