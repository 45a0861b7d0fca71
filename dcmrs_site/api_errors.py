"""One shape for everything that the API refuses: `{"detail": ..., "errors": {field: [...]}}`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from rest_framework.exceptions import APIException, ParseError, ValidationError

from catalog.api.errors import TooLarge

from .trouble import trouble_of

if TYPE_CHECKING:
    from rest_framework.response import Response

_ERROR = {
    "type": "object",
    "properties": {
        "detail": {"type": "string", "description": "What was wrong, in a sentence."},
        "errors": {"type": "object", "additionalProperties": {}, "description": "What was wrong, by field."},
    },
    "required": ["detail"],
}


def answer(error: Exception, context: dict[str, Any]) -> Response | None:
    """The answer to an exception in an API view; None for what is nobody's fault but the server's."""
    # The views read the settings that name this function.
    from rest_framework.response import Response
    from rest_framework.views import exception_handler, set_rollback

    if isinstance(error, RequestDataTooBig):
        error = TooLarge()
    elif isinstance(error, SuspiciousOperation):
        error = ParseError("This request is not one that the server takes.")
    if (trouble := trouble_of(error)) is not None and not isinstance(error, APIException):
        set_rollback()
        return Response({"detail": trouble.sentence}, status=trouble.status)
    response = exception_handler(error, context)
    if response is not None and isinstance(error, ValidationError):
        by_field = response.data if isinstance(response.data, dict) else {"non_field_errors": response.data}
        response.data = {"detail": _sentence(by_field), "errors": by_field}
    return response


def _sentence(errors: Any, field: str = "") -> str:
    """The first thing that was wrong."""
    if isinstance(errors, dict) and errors:
        name, inner = next(iter(errors.items()))
        return _sentence(inner, "" if name == "non_field_errors" else str(name))
    if isinstance(errors, list) and errors:
        return _sentence(errors[0], field)
    return f"{field}: {errors}" if field else str(errors)


def describe(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add to the schema what every address may refuse, and in which shape."""
    result.setdefault("components", {}).setdefault("schemas", {})["Error"] = _ERROR
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    for path, operations in result["paths"].items():
        for operation in operations.values():
            refusals = {"400": "Something in the request is wrong.", "429": "Too many requests; see Retry-After."}
            if "security" in operation:
                refusals |= {"401": "Nobody is logged in.", "403": "This is not yours to do."}
            if "{" in path or "page" in (parameter["name"] for parameter in operation.get("parameters", ())):
                refusals["404"] = "There is no such thing here."
            if any(parameter["in"] == "query" for parameter in operation.get("parameters", ())):
                refusals["414"] = "The address is too long."
            if "requestBody" in operation:
                refusals |= {"413": "Too large.", "415": "Not in a format that is read here."}
                refusals["408"] = "The request did not come to its end in time."
                refusals |= {"503": "The server cannot save just now.", "507": "The server's disk is full."}
            for code, meaning in refusals.items():
                operation["responses"].setdefault(code, {"description": meaning, "content": content})
    return result
