"""The labels of one song as its page shows them: by kind, with who says so and how sure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from ..models import Label, Song, SongLabel
from .rows import least_shown

# From which probability on that a person agrees with a label, and how strong it is then.
_STRENGTHS = ((0.75, "strongly"), (0.5, "clearly"), (0.25, "somewhat"), (0.0, "slightly"))
MOST_SHOWN = 8
"""Labels that a song's page shows at once; the others are unfolded."""


@dataclass(slots=True)
class AnnotatedLabel:
    """A label of a song, and what each source says of it."""

    pk: int
    name: str
    sources: list[str] = field(default_factory=list)
    share: float | None = None
    refused: bool = False
    background: bool = False


@dataclass(frozen=True, slots=True)
class LabelGroup:
    """The labels of one kind, those that are surest first."""

    kind: str
    labels: list[AnnotatedLabel]


def labels_by_kind(song: Song, figures: bool = False) -> list[LabelGroup]:
    """Every label of a song with the annotations that count, a curator's no included, in one query.

    Parameters
    ----------
    song : Song
    figures : bool
        Whether what a tagger predicts is given with its probability, as curators want it, or with a word.
    """
    groups: defaultdict[str, dict[str, AnnotatedLabel]] = defaultdict(dict)
    annotations = (
        SongLabel.objects.counting()
        .filter(song=song)
        .order_by("-weight")
        .values_list("label__kind", "label_id", "label__name", "label__background", "source", "origin", "weight")
    )
    for kind, pk, name, background, source, origin, weight in annotations:
        label = groups[kind].setdefault(name, AnnotatedLabel(pk, name, background=background))
        _add_annotation(label, source, origin, weight, figures)
    return [
        LabelGroup(kind.label, sorted(groups[kind].values(), key=_surest_first))
        for kind in Label.Kind
        if kind in groups
    ]


def first_and_more(groups: list[LabelGroup]) -> tuple[list[LabelGroup], list[LabelGroup]]:
    """Part labels in those that are shown at once and those that are unfolded, each in the order in which they were.

    Shown at once is what people said, and of what is only predicted the strongest, until `MOST_SHOWN` are there: what a
    person would rather agree with than not, or, where there is no such label, what comes next to the strongest. What
    says little to a listener is unfolded, unless a curator has said it, or there is nothing else.
    """
    every = [label for group in groups for label in group.labels]
    later = {label.pk for label in every if label.background and not _curated(label)}
    if len(later) == len(every):
        later = set()
    later |= _faint([label for label in every if label.pk not in later and _predicted_alone(label)])
    strongest = sorted(every, key=lambda label: (label.pk in later, _predicted_alone(label), -(label.share or 0.0)))
    later |= {label.pk for label in strongest[MOST_SHOWN:] if _predicted_alone(label)}
    return _those(groups, lambda label: label.pk not in later), _those(groups, lambda label: label.pk in later)


def _faint(predicted: list[AnnotatedLabel]) -> set[int]:
    """Those of some predicted labels that a person would rather not agree with, by primary key."""
    shares = {label.pk: label.share or 0.0 for label in predicted}
    least = least_shown(max(shares.values(), default=0.0))
    return {pk for pk, share in shares.items() if share < least}


def _those(groups: list[LabelGroup], wanted: Callable[[AnnotatedLabel], bool]) -> list[LabelGroup]:
    """The wanted labels of groups, without groups that have none."""
    parts = [LabelGroup(group.kind, [label for label in group.labels if wanted(label)]) for group in groups]
    return [part for part in parts if part.labels]


def _predicted_alone(label: AnnotatedLabel) -> bool:
    """Whether a tagger alone gave a label: neither a curator nor an import."""
    return label.share is not None and len(label.sources) == 1


def _add_annotation(label: AnnotatedLabel, source: str, origin: str, weight: float, figures: bool) -> None:
    if source == SongLabel.Source.CURATOR:
        label.refused = weight < 0
        label.sources.insert(0, "refused by an admin" if label.refused else "curated by an admin")
    elif source == SongLabel.Source.CNN:
        # The words come strongest first: a second tagger that is less sure adds nothing.
        if label.share is None:
            label.share = weight
            label.sources.append(f"heard {weight:.2f}" if figures else strength(weight))
    else:
        label.sources.append(_imported(origin, weight))


def strength(probability: float) -> str:
    """How strongly a label is predicted, as a word."""
    return next(word for at_least, word in _STRENGTHS if probability >= at_least)


def _imported(origin: str, weight: float) -> str:
    if origin == "file":
        return "written in the file"
    return f"imported, {weight:g} {'person' if weight == 1 else 'people'}"


def _curated(label: AnnotatedLabel) -> bool:
    return not label.refused and any(source.startswith("curated") for source in label.sources)


def _surest_first(label: AnnotatedLabel) -> tuple[bool, bool, float, str]:
    return label.refused, not _curated(label), -(label.share or 0.0), label.name
