"""Asking the broker with little patience: a page waits for it, and what is to be done stands in the database."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celery import Task, current_app
from kombu import Connection
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)

PATIENCE_S = 0.2
"""How long a page waits for a broker that may not be there."""


@contextmanager
def connected(patience_s: float = PATIENCE_S) -> Iterator[Connection]:
    """A connection to the broker; raises OperationalError where it is not there, or takes too long."""
    options = {
        **current_app.conf.broker_transport_options,
        "socket_connect_timeout": patience_s,
        "socket_timeout": patience_s,
    }
    with current_app.connection_for_write(transport_options=options) as connection:
        try:
            connection.ensure_connection(max_retries=1, interval_start=0)
            yield connection
        except connection.recoverable_connection_errors as error:
            raise OperationalError(str(error)) from error


def send(task: Task[Any, Any], *args: Any) -> bool:
    """Send a task that looks up itself what there is to do.

    Returns
    -------
    bool
        Whether the broker is there; where it is not, the next sweep sees to it once it is.
    """
    if current_app.conf.task_always_eager:
        task.delay(*args)
        return True
    try:
        with connected() as connection:
            task.apply_async(args, connection=connection, retry=False)  # type: ignore[call-arg]
    except OperationalError as error:
        logger.info("No broker: %s", error)
        return False
    return True
