"""Accounts: who they are, what they may upload, how much data they have; deleting as their own page does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.db.models import Count, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.models import UploadAllowance
from accounts.services.account_deletion import LastAdminError, delete_account, last_admin
from accounts.services.allowances import may_upload

from ..models import Listener, PlayCount, Song
from ..quantities import count, size
from ..services.people import accounts
from ..services.quotas import quota_of, uploaded

_DELETED_WITH_ACCOUNT = ("ratings", "plays", "nudges", "refusals", "playlists")


class AllowanceForm(forms.ModelForm):  # type: ignore[type-arg]
    """What one person may upload, each beside what everybody may."""

    may_upload = forms.TypedChoiceField(
        required=False,
        empty_value=None,
        coerce=lambda chosen: chosen == "yes",
        label="May upload songs",
    )

    class Meta:
        model = UploadAllowance
        fields = ("may_upload", "megabytes", "songs")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        everybody = "everybody may" if settings.UPLOAD_OPEN else "staff may"
        choice = self.fields["may_upload"]
        choice.choices = [("", f"as the site has it: {everybody}"), ("yes", "yes"), ("no", "no")]  # type: ignore[attr-defined]
        self.initial["may_upload"] = {True: "yes", False: "no"}.get(self.instance.may_upload, "")
        for name, unit, default in (
            ("megabytes", "MB", settings.UPLOAD_QUOTA_MEGABYTES),
            ("songs", "songs", settings.UPLOAD_QUOTA_SONGS),
        ):
            usual = f"{default:,} {unit}, and no limit for staff" if default else "no limit"
            self.fields[name].help_text = f"Empty: as the site has it, {usual}. 0: no limit."


class AllowanceInline(admin.StackedInline):  # type: ignore[type-arg]
    """What a person may upload."""

    model = UploadAllowance
    form = AllowanceForm
    can_delete = False
    verbose_name = "what may be uploaded"
    extra, min_num, max_num = 0, 1, 1


class KindFilter(admin.SimpleListFilter):
    """Accounts of people first: imports bring thousands of listeners who are nobody here."""

    title = "who"
    parameter_name = "who"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the choices of the filter."""
        return [("all", "All"), ("imported", "Came with an import"), ("simulated", "Simulated")]

    def choices(self, changelist: Any) -> Any:
        """Return the choices with people who have an account as the default."""
        people = {"selected": self.value() is None, "query_string": changelist.get_query_string(remove=["who"])}
        yield {**people, "display": "People with an account"}
        for value, title in self.lookup_choices:
            query = changelist.get_query_string({"who": value})
            yield {"selected": self.value() == value, "query_string": query, "display": title}

    def queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> QuerySet[User]:
        """Return the accounts that the filter chooses."""
        match self.value():
            case "all":
                return queryset
            case Listener.Origin.IMPORTED | Listener.Origin.SIMULATED as origin:
                return queryset.filter(listener__origin=origin)
        return queryset.filter(pk__in=accounts())


admin.site.unregister(User)


@admin.register(User)
class PersonAdmin(UserAdmin):  # type: ignore[type-arg]
    """Django's page of users, with what there is of each here."""

    list_display = ("username", "email", "plays", "uploads", "space", "last_login", "is_staff", "is_active")
    list_filter = (KindFilter, "is_staff", "is_superuser", "is_active", "groups")
    inlines = (AllowanceInline,)
    readonly_fields = ("last_login", "date_joined", "has_uploaded", "has_played")
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """Count with the rows what their list shows."""
        songs = Song.objects.filter(uploaded(), uploaded_by=OuterRef("pk")).order_by().values("uploaded_by")
        played = PlayCount.objects.filter(user=OuterRef("pk")).order_by().values("user")
        users: QuerySet[User] = super().get_queryset(request)
        return users.select_related("upload_allowance").annotate(
            uploaded_count=Coalesce(Subquery(songs.annotate(n=Count("pk")).values("n")), 0),
            uploaded_bytes=Coalesce(Subquery(songs.annotate(n=Sum("size")).values("n")), 0),
            play_count=Coalesce(Subquery(played.annotate(n=Sum("count")).values("n")), 0),
        )

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Add what a person has uploaded and played."""
        fieldsets = super().get_fieldsets(request, obj)
        return fieldsets if obj is None else [*fieldsets, ("Here", {"fields": ("has_uploaded", "has_played")})]

    def get_inline_instances(self, request: HttpRequest, obj: User | None = None) -> list[Any]:
        """Show the allowance of accounts that exist."""
        # An account that is not stored yet has the defaults.
        return [] if obj is None else super().get_inline_instances(request, obj)

    @admin.display(ordering="uploaded_count")
    def uploads(self, user: Any) -> str:
        """Return how many songs a person has uploaded."""
        return f"{user.uploaded_count:,}" if user.uploaded_count or may_upload(user) else "may not"

    @admin.display(ordering="uploaded_bytes")
    def space(self, user: Any) -> str:
        """Return how much space the uploads take."""
        return size(user.uploaded_bytes) if user.uploaded_bytes else ""

    @admin.display(ordering="play_count")
    def plays(self, user: Any) -> str:
        """Return how many plays a person has."""
        return f"{user.play_count:,}"

    @admin.display(description="uploaded")
    def has_uploaded(self, user: User) -> SafeString:
        """Return the uploads with what is left of the allowance."""
        quota = quota_of(user)
        most = [size(quota.most_bytes)] if quota.most_bytes is not None else []
        most += [count(quota.most_songs, "song")] if quota.most_songs is not None else []
        limits = f"at most {' and '.join(most)}" if most else "no limit"
        who = "may upload" if may_upload(user) else "may not upload"
        address = f"{reverse('admin:catalog_song_changelist')}?uploaded_by__exact={user.pk}"
        songs = count(quota.used_songs, "song")
        return format_html('<a href="{}">{}</a>, {}; {}, {}', address, songs, size(quota.used_bytes), who, limits)

    @admin.display(description="played")
    def has_played(self, user: Any) -> str:
        """Return the plays and songs of a person."""
        return count(user.play_count, "play")

    # --- Deleting: as the page "Delete my account" does ------------------------------------------

    def get_deleted_objects(
        self, objs: QuerySet[User] | Sequence[User], request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[Any], list[Any]]:
        """Count what is deleted with each account: its rows one by one would be a page of thousands."""
        users = list(objs)
        gone = [f"{user.get_username()}: {_deleted_rows(user)}" for user in users]
        kept = [why for user in users if (why := _why_not(user, users, request))]
        forbidden = set() if self.has_delete_permission(request) else {self.opts.verbose_name}
        return gone, {str(self.opts.verbose_name_plural): len(users)}, forbidden, kept

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        """Delete the account as its own page does."""
        self._delete(request, [obj])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Delete the accounts as their own pages do."""
        self._delete(request, list(queryset))

    def _delete(self, request: HttpRequest, users: Iterable[User]) -> None:
        for user in users:
            try:
                delete_account(user)
            except LastAdminError:
                note = f"{user.get_username()} is the only admin, and stays: nobody else could look after this site."
                self.message_user(request, note, messages.ERROR)


def _deleted_rows(user: User) -> str:
    counted = [(name, getattr(user, name).count()) for name in _DELETED_WITH_ACCOUNT]
    said = [f"{number:,} {name}" for name, number in counted if number]
    return f"{', '.join(said)} go; uploaded songs and curated labels stay" if said else "nothing was said or played"


def _why_not(user: User, users: Sequence[User], request: HttpRequest) -> str:
    """Why an account cannot be deleted here; empty where it can."""
    if user.pk == request.user.pk:
        return f"{user.get_username()}: that is you; your own account goes by the site's page “Delete my account”"
    if last_admin(user, deleted_too=users):
        return f"{user.get_username()}: no other admin would be left, and nobody could look after this site"
    return ""
