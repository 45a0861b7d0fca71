"""The one door of the protocol, and the page Players."""

from __future__ import annotations

import logging

from django.contrib.auth.decorators import login_not_required
from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_variables

from . import answers
from .authentication import log_in
from .endpoints import annotating, browsing, listing, media, playing, playlists, searching, similar, system  # noqa: F401
from .failures import Code, Failure
from .parameters import Parameters, read_parameters
from .registry import Request, found
from .written import JSON, XML, Description

logger = logging.getLogger(__name__)

_METHODS = ("GET", "POST", "HEAD")
_TYPES = {"xml": "application/xml", "json": "application/json", "jsonp": "application/javascript"}
_NEEDS_NO_LOGIN = frozenset({"getopensubsonicextensions"})


# No cookie counts here, so no other site can use one: every request brings its own password.
@csrf_exempt
@login_not_required
@sensitive_variables("parameters")
def rest(request: HttpRequest, name: str) -> HttpResponseBase:
    """Answer one call, whatever it is; what goes wrong is said in the answer, with status 200."""
    if request.method == "OPTIONS":
        return _open(HttpResponse(status=204))
    parameters = Parameters([])
    try:
        parameters = read_parameters(request)
        answer = _answer(request, name.removesuffix(".view"), parameters)
    except Failure as failure:
        answer = answers.failed(failure.code, failure.message, _help_url(request, failure))
    except DatabaseError:
        logger.exception("opensubsonic: %s", name)
        answer = answers.failed(Code.GENERIC, "The server is busy. Try again in a moment.")
    except Exception:  # a player cannot read a page of an error
        logger.exception("opensubsonic: %s", name)
        answer = answers.failed(Code.GENERIC, "Something broke on the server; its log says what.")
    response = answer if isinstance(answer, HttpResponseBase) else _written(answer, parameters)
    return _open(response)


def _answer(request: HttpRequest, name: str, parameters: Parameters) -> Description | HttpResponseBase:
    if request.method not in _METHODS:
        raise Failure(Code.GENERIC, "Calls are made by GET or POST.")
    if parameters.text("f") == "jsonp" and not answers.is_callback(parameters.text("callback")):
        raise Failure(Code.PARAMETER_MISSING, "jsonp needs a callback that is the name of a function.")
    one = found(name)
    if name.lower() in _NEEDS_NO_LOGIN:
        return answers.succeeded(system.extensions())
    _check_version(parameters.required("v"))
    parameters.required("c")
    form = XML if _format(parameters) == "xml" else JSON
    content = one.handle(Request(request, parameters, log_in(request, parameters), form))
    return content if isinstance(content, HttpResponseBase) else answers.succeeded(content)


def _check_version(text: str) -> None:
    """Refuse players of another major version, and those that ask for more than is spoken here."""
    parts = text.strip().split(".")
    if not all(part.isascii() and part.isdigit() and len(part) < 6 for part in parts) or len(parts) > 4:
        raise Failure(Code.PARAMETER_MISSING, "v is a version such as 1.16.1.")
    numbers = [int(part) for part in [*parts, "0"][:2]]
    own = [int(part) for part in answers.PROTOCOL_VERSION.split(".")[:2]]
    if numbers[0] < own[0]:
        raise Failure(Code.CLIENT_TOO_OLD, "The player speaks too old a version of the protocol.")
    if numbers > own:
        raise Failure(Code.SERVER_TOO_OLD, f"This server speaks version {answers.PROTOCOL_VERSION} of the protocol.")


def _help_url(request: HttpRequest, failure: Failure) -> str:
    if failure.code not in (Code.WRONG_CREDENTIALS, Code.INVALID_API_KEY):
        return ""
    return request.build_absolute_uri("/accounts/players/")


def _written(answer: Description, parameters: Parameters) -> HttpResponse:
    format_ = _format(parameters)
    if format_ == "json":
        content = answers.as_json(answer)
    elif format_ == "jsonp":
        content = answers.as_jsonp(answer, parameters.text("callback"))
    else:
        content = answers.as_xml(answer)
    response = HttpResponse(content, content_type=f"{_TYPES[format_]}; charset=utf-8")
    response["Cache-Control"] = "no-store"
    return response


def _format(parameters: Parameters) -> str:
    """The form that was asked for; XML for what is none, and JSON where a script could not be called."""
    try:
        asked, callback = parameters.text("f"), parameters.text("callback")
    except Failure:
        return "xml"
    if asked == "jsonp" and not answers.is_callback(callback):
        return "json"
    return asked if asked in _TYPES else "xml"


def _open(response: HttpResponseBase) -> HttpResponseBase:
    """Let players that are pages of other sites read it: they, too, have to bring a password."""
    response["Access-Control-Allow-Origin"] = "*"
    response["Access-Control-Allow-Methods"] = "GET, POST, HEAD, OPTIONS"
    response["Access-Control-Allow-Headers"] = "Content-Type, Range"
    response["Access-Control-Expose-Headers"] = "Accept-Ranges, Content-Length, Content-Range"
    response["Referrer-Policy"] = "no-referrer"
    return response
