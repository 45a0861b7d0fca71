"""The reason of each song on For you, as a few words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...engine.interface import Contribution, LabelContribution, ListenerBatch, Vector
from ...snapshots.bundle import ModelBundle
from ..reasons import REASONS, by_others, counted, in_words, listed, resolve_labels, resolve_reasons, sounds_like
from ..taste import Taste

Explainer = Callable[[Sequence[int]], list[str]]
"""Maps positions of songs to one reason each."""

_OWN_LABELS = 3


class RowReasons:
    """Makes explainers for the rows of one listener's page.

    Parameters
    ----------
    bundle : ModelBundle
    taste : Taste
    batch : ListenerBatch
        The taste as arrays.
    direction : float64, shape (n_labels,)
        The listener's normalized profile.
    """

    def __init__(self, bundle: ModelBundle, taste: Taste, batch: ListenerBatch, direction: Vector) -> None:
        self._index, self._content, self._popular = bundle.index, bundle.content, bundle.popular
        self._cooccurrence, self._ranker = bundle.cooccurrence, bundle.labels_and_sound
        self._taste, self._batch, self._direction = taste, batch, direction

    def name(self, label: int) -> str:
        """The name of a label by position, as pages show it."""
        return str(self._index.label_names[label]).lower()

    def strongest_labels(self, song: int) -> Sequence[LabelContribution]:
        """The labels with the largest weights on a song that say something to a listener."""
        return self._index.shown_first(self._labels(song), _OWN_LABELS)

    def shared_labels(self, direction: Vector) -> Explainer:
        """Explain by the labels that a song shares with a direction."""

        def explain(songs: Sequence[int]) -> list[str]:
            most = self._index.n_asked_for(REASONS)
            shared = self._content.label_contributions(direction, np.array(songs, np.intp), most)
            return [self._labels_in_words(contributions) for contributions in shared]

        return explain

    def asked_first(self, batch: ListenerBatch, query: Mapping[int, float]) -> Explainer:
        """Explain by labels of a query and the profile, the query's first; without any, by what a song sounds like."""
        most = self._index.n_asked_for(REASONS)

        def explain(songs: Sequence[int]) -> list[str]:
            at = np.array(songs, np.intp)
            return self._in_words(by_others(at, self._ranker.explain(batch, at, most)), query)

        return explain

    def shared_with_song(self, seed: int) -> Explainer:
        """Explain by the labels that songs share with one; those that share none only sound like it."""
        most = self._index.n_asked_for(REASONS)
        return lambda songs: self._in_words(self._ranker.explain_similarity(seed, np.array(songs, np.intp), most))

    def label_first(self, label: int) -> Explainer:
        """Explain by one label, followed by the song's strongest other labels."""

        def explain(song: int) -> str:
            others = [one.label for one in self.strongest_labels(song) if one.label != label]
            return ", ".join(map(self.name, [label, *others[: _OWN_LABELS - 1]]))

        return lambda songs: [explain(song) for song in songs]

    def profile_or_own_labels(self, songs: Sequence[int]) -> list[str]:
        """Explain by labels shared with the profile, else by liked songs of a like sound, else by the song's labels."""
        most = self._index.n_asked_for(REASONS)
        words = self._in_words(self._ranker.explain(self._batch, np.array(songs, np.intp), most))
        return [said or self._own_labels(song) for song, said in zip(songs, words, strict=True)]

    def something_different(self, songs: Sequence[int]) -> list[str]:
        """Explain by a label shared with the profile, and one that no song known to the listener has."""

        def explain(song: int, shared: str) -> str:
            new = [self.name(one.label) for one in self.strongest_labels(song) if not self._known_labels[one.label]]
            return f"{shared}, and new to you: {new[0]}" if shared and new else self._own_labels(song)

        shared = self.shared_labels(self._direction)(songs)
        return [explain(song, words.split(", ")[0]) for song, words in zip(songs, shared, strict=True)]

    def popularity(self, songs: Sequence[int]) -> list[str]:
        """Explain by numbers of plays and listeners."""
        plays, listeners = self._popular.plays[songs].tolist(), self._popular.listeners[songs].tolist()
        return [f"{counted(n, 'play')} by {counted(by, 'listener')}" for n, by in zip(plays, listeners, strict=True)]

    def cooccurring_songs(self, songs: Sequence[int]) -> list[str]:
        """Explain by the number of the listener's songs that a song co-occurs with."""
        if self._cooccurrence is None:
            return [""] * len(songs)
        own = self._cooccurrence.explain(self._batch, np.array(songs, np.intp), self._batch.played.nnz)
        return [f"goes with {len(of) if len(of) > 1 else 'one'} of your songs" for of in own]

    def of_many(self, songs: Sequence[int]) -> str:
        """Explain songs together: by the labels of the profile that most of them have."""
        most = self._index.n_asked_for(REASONS)
        shared = self._content.label_contributions(self._direction, np.array(songs, np.intp), most)
        labels = Counter(
            self.name(one.label)
            for of_song in shared
            for one in self._index.shown_first(of_song, _OWN_LABELS)
            if one.weight > 0
        )
        names = [name for name, _ in labels.most_common(_OWN_LABELS)]
        return f"Because you like {listed(names)}" if names else "Close to what you like"

    def apart(self, explain: Explainer) -> Explainer:
        """Explain without the labels that are said of every song of a row: what is left tells why it is this one.

        A song of which nothing is left is explained by its other labels; where it has none, beside songs that have
        some, by what all share, and by labels that it hardly has only where no song of the row has others.
        """

        def told_apart(songs: Sequence[int]) -> list[str]:
            parts = [why.split(", ") for why in explain(songs)]
            same = set(parts[0]).intersection(*parts[1:]) if len(parts) > 1 else set()
            left = [", ".join(own(song, said, same)) for song, said in zip(songs, parts, strict=True)]
            if not any(left):
                left = [", ".join(faint(song, same)) for song in songs]
            shared = f"{next(part for part in parts[0] if part in same)}, as all of these" if same and any(left) else ""
            return [why or shared for why in left]

        def own(song: int, said: Sequence[str], same: set[str]) -> list[str]:
            if left := [part for part in said if part not in same]:
                return left
            return [name for one in self.strongest_labels(song) if (name := self.name(one.label)) not in same]

        def faint(song: int, same: set[str]) -> list[str]:
            every = (self.name(one.label) for one in self._labels(song))
            return [name for name in every if name not in same][:_OWN_LABELS]

        return told_apart

    def _in_words(self, reasons: Sequence[Sequence[Contribution]], asked: Collection[int] = ()) -> list[str]:
        """Contributions as text; names of songs are looked up only where no label speaks for a song."""
        words = [
            self._labels_in_words([one for one in some if isinstance(one, LabelContribution)], asked)
            for some in reasons
        ]
        silent = [at for at, said in enumerate(words) if not said]
        if silent:
            for at, resolved in zip(
                silent, resolve_reasons(self._index, [reasons[at] for at in silent], {}, ()), strict=True
            ):
                words[at] = sounds_like(resolved)
        return words

    def _labels(self, song: int) -> Sequence[LabelContribution]:
        """More labels of a song than are shown, clear ones first."""
        most = self._index.n_asked_for(_OWN_LABELS)
        (parts,) = self._content.label_contributions(self._content.song(song), np.array([song]), most)
        return parts

    def _own_labels(self, song: int) -> str:
        return self._labels_in_words(self.strongest_labels(song))

    @cached_property
    def _known_labels(self) -> NDArray[np.int64]:
        """How many songs known to the listener have each label, shape (n_labels,)."""
        return self._content.songs_with_label(self._index.songs(list(self._taste.known)))

    def _labels_in_words(self, contributions: Sequence[LabelContribution], asked: Collection[int] = ()) -> str:
        return in_words(resolve_labels(self._index, contributions, asked))


def last_heard(moment: str) -> str:
    """The reason of a rediscovered song; `moment` is a value of `Taste.last_events`."""
    return f"not heard since {date.fromisoformat(moment[:10]):%B %Y}"
