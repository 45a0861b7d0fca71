"""What the recommender adds to the export of everything that is kept of a person."""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib.auth.models import User

from catalog.services.exporting import Entry, exports

from .models import Dial, ListeningContext


@exports("dial", Dial)
def _dial(user: User) -> Iterator[Entry]:
    for dial in Dial.objects.filter(user=user):
        yield {"position": dial.position, "familiar": -Dial.END, "adventurous": Dial.END}


@exports("contexts", ListeningContext)
def _contexts(user: User) -> Iterator[Entry]:
    for context in ListeningContext.objects.filter(user=user).order_by("created_at", "pk"):
        yield {"name": context.name, "words": context.words, "created_at": context.created_at}
