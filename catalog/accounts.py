"""Accounts: sign up, log in and out, change and reset the password."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth import login
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
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from .guessing import WINDOW_S, too_many_failures


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
            return forms.ValidationError(
                f"Too many failed attempts. Wait {WINDOW_S // 60} minutes, or reset your password.", code="throttled"
            )
        return super().get_invalid_login_error()


@login_not_required
@never_cache
@sensitive_post_parameters("password1", "password2")
def sign_up(request: HttpRequest) -> HttpResponse:
    """Make an account and log in with it, where the owner lets strangers do so."""
    if not settings.SIGNUP_OPEN:
        return render(request, "accounts/signup_closed.html", status=403)
    if request.user.is_authenticated:
        return redirect(settings.LOGIN_REDIRECT_URL)
    form = SignUpForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        login(request, form.save(), backend="django.contrib.auth.backends.ModelBackend")
        return redirect(_safe_next(request) or settings.LOGIN_REDIRECT_URL)
    return render(request, "accounts/signup.html", {"form": form, "next": _safe_next(request)})


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
