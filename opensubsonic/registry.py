"""The endpoints by the names that players call them by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from .ahead import describe_ahead
from .authentication import Listener
from .describing import Describer
from .failures import Code, Failure
from .parameters import Parameters
from .written import Form


class Request:
    """What an endpoint is asked.

    Attributes
    ----------
    http : HttpRequest
    parameters : Parameters
    listener : Listener
    form : Form
        How it is answered.
    describe : Describer
    """

    def __init__(self, http: HttpRequest, parameters: Parameters, listener: Listener, form: Form) -> None:
        self.http, self.parameters, self.listener, self.form = http, parameters, listener, form
        self.user = listener.user
        self._describer: Describer | None = None

    @property
    def describe(self) -> Describer:
        """Descriptions for the one who asks."""
        if self._describer is None:
            self._describer = Describer(self.user, self.form)
            describe_ahead(self._describer.library, self.form)
        return self._describer


Answer: TypeAlias = dict[str, Any] | HttpResponseBase | None
"""What is in an answer; None for nothing but that it went well; or bytes in an answer of their own."""

Handler: TypeAlias = Callable[[Request], Answer]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint."""

    name: str
    handle: Handler


ENDPOINTS: dict[str, Endpoint] = {}
"""Every endpoint by its name in lower case: some players are careless."""


def endpoint(*names: str) -> Callable[[Handler], Handler]:
    """Register a function as the endpoint of these names."""

    def register(handle: Handler) -> Handler:
        for name in names:
            ENDPOINTS[name.lower()] = Endpoint(name, handle)
        return handle

    return register


def found(name: str) -> Endpoint:
    """The endpoint of a name.

    Raises
    ------
    Failure
        If there is none.
    """
    one = ENDPOINTS.get(name.lower())
    if one is None:
        raise Failure(Code.GENERIC, "This server has no such call.")
    return one
