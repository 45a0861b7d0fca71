"""Accounts: sign up, log in and out, change and reset the password, take everything along, leave."""

from __future__ import annotations

import math
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import authenticate, login, logout
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm, UserCreationForm
from django.contrib.auth.models import User
from django.contrib.auth.views import (
    LoginView,
    LogoutView,
    PasswordChangeDoneView,
    PasswordChangeView,
    PasswordResetCompleteView,
    PasswordResetConfirmView,
    PasswordResetDoneView,
    PasswordResetView,
)
from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_safe
from rest_framework.request import Request
from rest_framework.views import APIView

from .guessing import WINDOW_S, too_many_failures
from .http import ListenerRequest
from .services.exporting import export
from .services.leaving import LastAdminError, delete_account
from .throttling import SignUpThrottle

_TOO_MANY_FAILURES = f"Too many failed attempts. Wait {WINDOW_S // 60} minutes, or reset your password."


class SignUpForm(UserCreationForm):  # type: ignore[type-arg]
    """A name, a password, and an address for the day the password is forgotten."""

    email = forms.EmailField(
        required=False, label="E-mail (optional)", help_text="Only for a link when you forget your password."
    )

    class Meta(UserCreationForm.Meta):
        model = User
        fields = ("username", "email")


class LogInForm(AuthenticationForm):
    """Name and password; says so when there were too many failures."""

    def get_invalid_login_error(self) -> forms.ValidationError:
        username = self.cleaned_data.get("username", "")
        if self.request is not None and too_many_failures(self.request, username):
            return forms.ValidationError(_TOO_MANY_FAILURES, code="throttled")
        return super().get_invalid_login_error()


class DeleteAccountForm(forms.Form):
    """The password once more, from whoever sits at this browser."""

    password = forms.CharField(
        label="Your password", strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )

    def __init__(self, request: ListenerRequest, data: QueryDict | None = None) -> None:
        super().__init__(data)
        self.request = request

    def clean_password(self) -> str:
        """Refuse a wrong password; guesses count as they do at the log-in."""
        password: str = self.cleaned_data["password"]
        username = self.request.user.get_username()
        # By the same backends and limits as the log-in, not by the stored password alone.
        if authenticate(self.request, username=username, password=password) != self.request.user:
            if too_many_failures(self.request, username):
                raise forms.ValidationError(_TOO_MANY_FAILURES, code="throttled")
            raise forms.ValidationError("That is not your password.", code="wrong")
        return password


@login_not_required
@never_cache
@sensitive_post_parameters("password1", "password2")
def sign_up(request: HttpRequest) -> HttpResponse:
    """Make an account and log in with it, where the owner lets strangers do so."""
    if not settings.SIGNUP_OPEN:
        return render(request, "accounts/signup_closed.html", status=403)
    if request.user.is_authenticated:
        return redirect(settings.LOGIN_REDIRECT_URL)
    throttle, throttled = SignUpThrottle(), ""
    if request.method == "POST" and not throttle.allow_request(Request(request), APIView()):
        # Not looked at: whether a name is taken is not to be found by trying either.
        form = SignUpForm(initial={"username": request.POST.get("username", "")})
        minutes = math.ceil((throttle.wait() or 60) / 60)
        throttled = f"Too many accounts were asked for from where you are. Try again in {minutes} minutes."
    else:
        form = SignUpForm(request.POST or None)
        if form.is_valid():
            login(request, form.save(), backend="catalog.backends.Accounts")
            return redirect(_safe_next(request) or settings.LOGIN_REDIRECT_URL)
    context = {"form": form, "next": _safe_next(request), "throttled": throttled}
    return render(request, "accounts/signup.html", context, status=429 if throttled else 200)


def _safe_next(request: HttpRequest) -> str:
    """The page of this site to go on to, if one was named."""
    address = request.POST.get("next", request.GET.get("next", ""))
    safe = url_has_allowed_host_and_scheme(address, {request.get_host()}, require_https=request.is_secure())
    return address if safe else ""


class LogIn(LoginView):
    """Django's, with a status of its own for an attempt that was not looked at."""

    authentication_form = LogInForm
    template_name = "accounts/login.html"
    redirect_authenticated_user = True

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        response = super().form_invalid(form)
        if form.has_error("__all__", "throttled"):
            response.status_code = 429
        return response


@require_safe
@never_cache
def export_account(request: ListenerRequest) -> StreamingHttpResponse:
    """Everything that the site keeps of the one who asks, as a JSON file."""
    return exported(request.user)


def exported(user: User) -> StreamingHttpResponse:
    """The export of a person as a file to keep, sent while it is read."""
    name = f"dcmrs-{timezone.localdate():%Y-%m-%d}.json"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(export(user), content_type="application/json", headers=headers)


@never_cache
@sensitive_post_parameters("password")
def account_delete(request: ListenerRequest) -> HttpResponse:
    """Say what goes and what stays, and delete the account once the password is given."""
    form = DeleteAccountForm(request, request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            delete_account(request.user)
        except LastAdminError as error:
            form.add_error(None, str(error))
            status = 409
        else:
            logout(request)
            messages.success(request, "Your account is deleted, and everything of yours with it.")
            return redirect("login")
    if form.has_error("password", "throttled"):
        status = 429
    return render(request, "accounts/delete.html", {"form": form}, status=status)


def _mail_is_printed() -> bool:
    """Whether no mail server is named, so that mails end in the server's log."""
    return settings.EMAIL_BACKEND == "django.core.mail.backends.console.EmailBackend"


_mail: dict[str, Any] = {"mail_is_printed": _mail_is_printed}

log_in = LogIn.as_view()
log_out = LogoutView.as_view()
password_change = PasswordChangeView.as_view(template_name="accounts/password_change.html")
password_change_done = PasswordChangeDoneView.as_view(template_name="accounts/password_change_done.html")
password_reset = PasswordResetView.as_view(
    template_name="accounts/password_reset.html",
    email_template_name="accounts/password_reset_mail.txt",
    subject_template_name="accounts/password_reset_subject.txt",
    extra_context=_mail,
)
password_reset_done = PasswordResetDoneView.as_view(
    template_name="accounts/password_reset_done.html", extra_context=_mail
)
password_reset_confirm = PasswordResetConfirmView.as_view(template_name="accounts/password_reset_confirm.html")
password_reset_complete = PasswordResetCompleteView.as_view(template_name="accounts/password_reset_complete.html")
