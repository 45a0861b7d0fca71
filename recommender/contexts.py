"""Words that a listener keeps under a name of their own, to find the same kind of music with one tap."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet

from catalog.names import storable

from .engine.words import LONGEST_TEXT
from .models import ListeningContext

MOST_CONTEXTS = 30
"""A listener may keep so many."""

LONGEST_NAME = 40


class ContextRefused(ValueError):
    """What was asked cannot be done; the message says why, to be shown."""


def contexts_of(user: User) -> QuerySet[ListeningContext]:
    """A listener's own contexts, the oldest first: each stays where it was."""
    return ListeningContext.objects.filter(user=user)


@transaction.atomic
def keep_context(user: User, name: str, words: str) -> ListeningContext:
    """Keep words under a name.

    Raises
    ------
    ContextRefused
        If there is no name, another context has it, there are no words or too many, or too many contexts.
    """
    wanted, said = _name(name), " ".join(storable(words).split())
    if not said:
        raise ContextRefused("A context needs the words that it stands for.")
    if len(said) > LONGEST_TEXT:
        raise ContextRefused(f"A context has at most {LONGEST_TEXT} characters of words.")
    # One at a time for each listener: two requests must not both take the last free place, or the same name.
    User.objects.select_for_update().get(pk=user.pk)
    if contexts_of(user).count() >= MOST_CONTEXTS:
        raise ContextRefused(f"There can be {MOST_CONTEXTS} contexts. Delete one that you no longer need.")
    _refuse_taken(user.pk, wanted)
    return ListeningContext.objects.create(user=user, name=wanted, words=said)


@transaction.atomic
def rename_context(context: ListeningContext, name: str) -> None:
    """Give a context another name.

    Raises
    ------
    ContextRefused
        If it is none, or another context of the listener's has it.
    """
    wanted = _name(name)
    User.objects.select_for_update().get(pk=context.user_id)
    _refuse_taken(context.user_id, wanted, but=context.pk)
    context.name = wanted
    context.save(update_fields=["name"])


def _name(name: str) -> str:
    wanted = " ".join(storable(name).split())
    if not wanted:
        raise ContextRefused("A context needs a name.")
    if len(wanted) > LONGEST_NAME:
        raise ContextRefused(f"A context's name has at most {LONGEST_NAME} characters.")
    return wanted


def _refuse_taken(user: int, name: str, but: int = 0) -> None:
    if ListeningContext.objects.filter(user=user, name__iexact=name).exclude(pk=but).exists():
        raise ContextRefused(f"You have a context called {name} already.")
