"""The forms of accounts: signing up, logging in, name and e-mail address, deleting."""

from __future__ import annotations

import copy
from typing import Any

from django import forms
from django.contrib.auth import authenticate
from django.contrib.auth.forms import (
    AuthenticationForm,
    PasswordChangeForm,
    PasswordResetForm,
    SetPasswordForm,
    UserCreationForm,
)
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import MinimumLengthValidator, get_default_password_validators
from django.http import QueryDict

from .http import ListenerRequest
from .login_throttle import WINDOW_S, too_many_failures
from .services.api_tokens import LONGEST_DAYS, LONGEST_NAME

_ENDS_TOKENS = "A new password ends your API tokens, if you have any."
_TOO_MANY_FAILURES = f"Too many failed attempts. Wait {WINDOW_S // 60} minutes, or reset your password."


class SignUpForm(UserCreationForm):  # type: ignore[type-arg]
    """The form of the sign-up page: a name, a password, and an optional e-mail address for resetting the password."""

    email = forms.EmailField(
        required=False, label="E-mail (optional)", help_text="Only for a link when you forget your password."
    )

    class Meta(UserCreationForm.Meta):
        model = User
        fields = ("username", "email")
        help_texts = {"username": "Letters, digits and @ . + - _"}

    def __init__(self, *args: Any, **fields: Any) -> None:
        super().__init__(*args, **fields)
        _describe(self.fields["password1"], self.fields["password2"])


class ResetPasswordForm(PasswordResetForm):
    """The form that asks for a link to reset the password: an e-mail address."""

    def __init__(self, *args: Any, **fields: Any) -> None:
        super().__init__(*args, **fields)
        self.fields["email"].label = "E-mail"


class NewPasswordForm(SetPasswordForm):  # type: ignore[type-arg]
    """The form behind a link to reset the password: the new password."""

    def __init__(self, *args: Any, **fields: Any) -> None:
        super().__init__(*args, **fields)
        _describe(self.fields["new_password1"], self.fields["new_password2"], _ENDS_TOKENS)


class ChangePasswordForm(PasswordChangeForm):
    """The form that changes a password: the old one and the new one."""

    def __init__(self, *args: Any, **fields: Any) -> None:
        super().__init__(*args, **fields)
        _describe(self.fields["new_password1"], self.fields["new_password2"], _ENDS_TOKENS)


def _describe(password: forms.Field, again: forms.Field, more: str = "") -> None:
    """Set labels and help texts of the two password fields; each field keeps its own error messages."""
    password.help_text = f"At least {_shortest_password()} characters, and hard to guess. {more}".strip()
    again.label, again.help_text = f"{password.label} again", ""


def _shortest_password() -> int:
    """Return the minimum length of a password, as the validators have it."""
    lengths = [one.min_length for one in get_default_password_validators() if isinstance(one, MinimumLengthValidator)]
    return max(lengths, default=1)


class LogInForm(AuthenticationForm):
    """The form of the log-in page; tells when an attempt was throttled."""

    def get_invalid_login_error(self) -> forms.ValidationError:
        """Return the error: the attempt was throttled, or name and password do not match."""
        username = self.cleaned_data.get("username", "")
        if self.request is not None and too_many_failures(self.request, username):
            return forms.ValidationError(_TOO_MANY_FAILURES, code="throttled")
        return super().get_invalid_login_error()


class PasswordAgain(forms.Form):
    """A form that asks for the password once more, to prove that the owner is at this browser."""

    request: ListenerRequest
    password = forms.CharField(
        label="Your password", strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )

    def clean_password(self) -> str:
        """Refuse a wrong password; failures count for the log-in throttle."""
        password: str = self.cleaned_data["password"]
        username = self.request.user.get_username()
        # By the same backends and limits as the log-in, not by the stored password alone.
        if authenticate(self.request, username=username, password=password) != self.request.user:
            if too_many_failures(self.request, username):
                raise forms.ValidationError(_TOO_MANY_FAILURES, code="throttled")
            raise forms.ValidationError("That is not your password.", code="wrong")
        return password


class DeleteAccountForm(PasswordAgain):
    """The form that confirms deletion."""

    def __init__(self, request: ListenerRequest, data: QueryDict | None = None) -> None:
        super().__init__(data)
        self.request = request


class AccountForm(PasswordAgain, forms.ModelForm):  # type: ignore[type-arg]
    """The form that changes the name and the e-mail address of an account."""

    email = forms.EmailField(
        required=False,
        label="E-mail (optional)",
        max_length=254,
        help_text="Only for a link when you forget your password. Without it nobody but an admin can let you back in.",
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )

    class Meta:
        model = User
        fields = ("username", "email")
        labels = {"username": "Name"}
        help_texts = {"username": "You log in with it, and so do players and programs: letters, digits and @ . + - _"}

    def __init__(self, request: ListenerRequest, data: QueryDict | None = None) -> None:
        # A copy: a form that is refused must not leave its name in the head of the page.
        super().__init__(data, instance=copy.copy(request.user))
        self.request = request
        self.fields["username"].widget.attrs["autocomplete"] = "username"

    def clean_username(self) -> str:
        """Refuse a name that another account has, in capital letters or small ones."""
        name: str = self.cleaned_data["username"]
        if User.objects.filter(username__iexact=name).exclude(pk=self.request.user.pk).exists():
            raise forms.ValidationError("A user with that username already exists.", code="unique")
        return name


class ApiTokenForm(forms.Form):
    """The form for a new API token: its purpose, its lifetime, and whether it is read-only."""

    name = forms.CharField(
        label="What is it for?", max_length=LONGEST_NAME, widget=forms.TextInput(attrs={"placeholder": "Backup script"})
    )
    days = forms.IntegerField(
        label="For how many days?",
        help_text="Left empty, it is good until you revoke it.",
        min_value=1,
        max_value=LONGEST_DAYS,
        required=False,
    )
    read_only = forms.BooleanField(label="It only reads: nothing can be changed with it", required=False)
