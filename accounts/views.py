"""The pages of accounts: sign up, log in and out, name and e-mail, change and reset the password, export, delete."""

from __future__ import annotations

import math
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, logout
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm
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
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import Resolver404, resolve
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe
from rest_framework.request import Request
from rest_framework.views import APIView

from .forms import (
    AccountForm,
    ApiTokenForm,
    ChangePasswordForm,
    DeleteAccountForm,
    LogInForm,
    NewPasswordForm,
    ResetPasswordForm,
    SignUpForm,
)
from .http import ListenerRequest
from .services.account_deletion import LastAdminError, delete_account
from .services.api_tokens import ApiTokenRefused, api_tokens_of, make_api_token, revoke_api_token
from .services.exporting import export
from .throttling import PasswordResetMailThrottle, PasswordResetThrottle, SignUpThrottle


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
            login(request, form.save(), backend="accounts.backends.Accounts")
            return redirect(_safe_next(request) or settings.LOGIN_REDIRECT_URL)
    address = _safe_next(request)
    context = {"form": form, "next": address, "to_song": _leads_to_song(address), "throttled": throttled}
    return render(request, "accounts/signup.html", context, status=429 if throttled else 200)


def _safe_next(request: HttpRequest) -> str:
    """The page of this site to go on to, if one was named."""
    address = request.POST.get("next", request.GET.get("next", ""))
    safe = url_has_allowed_host_and_scheme(address, {request.get_host()}, require_https=request.is_secure())
    return address if safe else ""


def _leads_to_song(address: str) -> bool:
    """Whether an address is that of a song's page; of which song, strangers do not learn, nor whether there is one."""
    try:
        return resolve(urlsplit(address).path).url_name == "song"
    except Resolver404:
        return False


class LogIn(LoginView):
    """Django's, with a status of its own for an attempt that was not looked at."""

    authentication_form = LogInForm
    template_name = "accounts/login.html"
    redirect_authenticated_user = True

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        """Add whether a song's page is what was asked for."""
        found: dict[str, Any] = super().get_context_data(**context)
        return found | {"to_song": _leads_to_song(self.get_redirect_url())}

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        """Answer a throttled attempt with status 429."""
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


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@sensitive_post_parameters("password")
def account(request: ListenerRequest) -> HttpResponse:
    """Show the name and the e-mail address of the one who asks; change them once the password is given."""
    form = AccountForm(request, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        form.instance.save(update_fields=["username", "email"])
        messages.success(request, "Saved." if form.changed_data != ["password"] else "Nothing was changed.")
        return redirect("account")
    status = 429 if form.has_error("password", "throttled") else 400 if form.errors else 200
    return render(request, "accounts/account.html", {"form": form}, status=status)


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


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@sensitive_variables("token")
def api_tokens(request: ListenerRequest) -> HttpResponse:
    """Show the tokens of the API; make one, which is shown in this answer only; revoke one."""
    form, token = ApiTokenForm(), ""
    if request.method == "POST" and request.POST.get("what") == "revoke":
        pk = request.POST.get("token", "")
        if pk.isascii() and pk.isdigit() and len(pk) < 19 and revoke_api_token(request.user, int(pk)):
            messages.success(request, "Revoked: whatever used it is logged out.")
        return redirect("api_tokens")
    if request.method == "POST":
        form = ApiTokenForm(request.POST)
        if form.is_valid():
            try:
                _, token = make_api_token(request.user, **form.cleaned_data)
            except ApiTokenRefused as error:
                form.add_error(None, str(error))
            else:
                form = ApiTokenForm()
    context = {"form": form, "token": token, "tokens": api_tokens_of(request.user), "now": timezone.now()}
    return render(request, "accounts/api_tokens.html", context, status=400 if form.errors else 200)


def _mail_is_printed() -> bool:
    """Whether no mail server is named, so that mails end in the server's log."""
    return settings.EMAIL_BACKEND == "django.core.mail.backends.console.EmailBackend"


_mail: dict[str, Any] = {"mail_is_printed": _mail_is_printed}

log_in = LogIn.as_view()
log_out = LogoutView.as_view()
password_change = PasswordChangeView.as_view(
    template_name="accounts/password_change.html", form_class=ChangePasswordForm
)
password_change_done = PasswordChangeDoneView.as_view(template_name="accounts/password_change_done.html")


class PasswordReset(PasswordResetView):
    """Django's, with a limit of mails for where they are asked for, and for whom they go to."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Send the mail, or answer 429 without looking at the form: who has an account is not to be found by trying."""
        throttles = [PasswordResetThrottle(), PasswordResetMailThrottle(request.POST.get("email", ""))]
        for throttle in throttles:
            if not throttle.allow_request(Request(request), APIView()):
                minutes = math.ceil((throttle.wait() or 60) / 60)
                message = f"Too many links were asked for. Try again in {minutes} minutes."
                form = self.form_class(initial={"email": request.POST.get("email", "")})
                return self.render_to_response(self.get_context_data(form=form, throttled=message), status=429)
        return super().post(request, *args, **kwargs)


password_reset = PasswordReset.as_view(
    template_name="accounts/password_reset.html",
    form_class=ResetPasswordForm,
    email_template_name="accounts/password_reset_mail.txt",
    subject_template_name="accounts/password_reset_subject.txt",
    extra_context=_mail,
)
password_reset_done = PasswordResetDoneView.as_view(
    template_name="accounts/password_reset_done.html", extra_context=_mail
)
password_reset_confirm = PasswordResetConfirmView.as_view(
    template_name="accounts/password_reset_confirm.html", form_class=NewPasswordForm
)
password_reset_complete = PasswordResetCompleteView.as_view(template_name="accounts/password_reset_complete.html")
