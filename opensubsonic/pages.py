"""The page Players: app passwords, what similar songs go by, and how to connect."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods

from accounts.http import ListenerRequest
from accounts.services.app_passwords import (
    AppPasswordRefused,
    app_passwords_of,
    make_app_password,
    revoke_app_password,
)
from catalog.http import bad_request, parse_id
from recommender.models import SimilarityChoice
from recommender.services.mixes import choose_similarity, similarity_choice
from recommender.services.similar import By


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@sensitive_variables("password")
def players(request: ListenerRequest) -> HttpResponse:
    """Show app passwords; make one, which is shown in this answer only; revoke one; choose what is similar."""
    password, refusal = "", ""
    if request.method == "POST":
        match request.POST.get("what"):
            case "make":
                try:
                    _, password = make_app_password(request.user, request.POST.get("name", ""))
                except AppPasswordRefused as error:
                    refusal = str(error)
            case "revoke":
                return _revoke(request)
            case "similar":
                return _choose(request)
            case _:
                return bad_request("what is make, revoke or similar.")
    context = {
        "passwords": app_passwords_of(request.user),
        "password": password,
        "refusal": refusal,
        "name": request.POST.get("name", "") if refusal else "",
        "address": request.build_absolute_uri("/").rstrip("/"),
        "choices": SimilarityChoice.By.choices,
        "chosen": similarity_choice(request.user).value,
    }
    return render(request, "opensubsonic/players.html", context, status=400 if refusal else 200)


def _revoke(request: ListenerRequest) -> HttpResponse:
    try:
        pk = parse_id(request.POST.get("password", ""))
    except ValueError:
        return bad_request("Say which one.")
    if revoke_app_password(request.user, pk):
        messages.success(request, "Revoked: whatever used it is logged out.")
    return redirect("players")


def _choose(request: ListenerRequest) -> HttpResponse:
    try:
        by = By(request.POST.get("by", ""))
    except ValueError:
        return bad_request("by is sound, listeners or both.")
    choose_similarity(request.user, by)
    messages.success(request, "Kept. Players ask for it with the next song.")
    return redirect("players")
