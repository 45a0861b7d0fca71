"""Listening contexts: query texts that a listener saves under a name."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet

from catalog.names import chosen_name, storable

from ..engine.query_parser import LONGEST_TEXT
from ..models import ListeningContext

MOST_CONTEXTS = 30
"""Most contexts per listener."""

LONGEST_NAME = 40


class ContextRefused(ValueError):
    """A context cannot be saved or renamed; the message is shown to the user."""


def contexts_of(user: User) -> QuerySet[ListeningContext]:
    """A listener's contexts, oldest first."""
    return ListeningContext.objects.filter(user=user)


@transaction.atomic
def keep_context(user: User, name: str, words: str) -> ListeningContext:
    """Save a query text under a name.

    Raises
    ------
    ContextRefused
        If the name is empty, too long or taken, the text is empty or too long, or there are too many contexts.
    """
    wanted, said = _name(name), " ".join(storable(words).split())
    if not said:
        raise ContextRefused("A context needs the words that it stands for.")
    if len(said) > LONGEST_TEXT:
        raise ContextRefused(f"A context has at most {LONGEST_TEXT} characters of words.")
    # Serialize per listener: two requests must not both take the last free place or the same name.
    User.objects.select_for_update().get(pk=user.pk)
    if contexts_of(user).count() >= MOST_CONTEXTS:
        raise ContextRefused(f"There can be {MOST_CONTEXTS} contexts. Delete one that you no longer need.")
    _refuse_taken(user.pk, wanted)
    return ListeningContext.objects.create(user=user, name=wanted, words=said)


@transaction.atomic
def rename_context(context: ListeningContext, name: str) -> None:
    """Rename a context.

    Raises
    ------
    ContextRefused
        If the name is empty, too long, or taken.
    """
    wanted = _name(name)
    User.objects.select_for_update().get(pk=context.user_id)
    _refuse_taken(context.user_id, wanted, but=context.pk)
    context.name = wanted
    context.save(update_fields=["name"])


def _name(name: str) -> str:
    return chosen_name(name, "context", LONGEST_NAME, ContextRefused)


def _refuse_taken(user: int, name: str, but: int = 0) -> None:
    if ListeningContext.objects.filter(user=user, name__iexact=name).exclude(pk=but).exists():
        raise ContextRefused(f"You have a context called {name} already.")
