"""The labels of one song as its page shows them: by kind, with who says so and how sure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from ..models import Label, Song, SongLabel


@dataclass(slots=True)
class SaidLabel:
    """A label of a song, and what each source says of it."""

    pk: int
    name: str
    said: list[str] = field(default_factory=list)
    share: float | None = None
    refused: bool = False


@dataclass(frozen=True, slots=True)
class LabelGroup:
    """The labels of one kind, those that are surest first."""

    kind: str
    labels: list[SaidLabel]


def labels_by_kind(song: Song) -> list[LabelGroup]:
    """Every label said of a song, a curator's no included, in one query."""
    groups: defaultdict[str, dict[str, SaidLabel]] = defaultdict(dict)
    words = song.song_labels.order_by("-weight").values_list(
        "label__kind", "label_id", "label__name", "source", "origin", "weight"
    )
    for kind, pk, name, source, origin, weight in words:
        label = groups[kind].setdefault(name, SaidLabel(pk, name))
        _add_word(label, source, origin, weight)
    return [
        LabelGroup(kind.label, sorted(groups[kind].values(), key=_surest_first))
        for kind in Label.Kind
        if kind in groups
    ]


def _add_word(label: SaidLabel, source: str, origin: str, weight: float) -> None:
    if source == SongLabel.Source.CURATOR:
        label.refused = weight < 0
        label.said.insert(0, "refused by an admin" if label.refused else "curated by an admin")
    elif source == SongLabel.Source.CNN:
        # The words come strongest first: a second tagger that is less sure adds nothing.
        if label.share is None:
            label.share = weight
            label.said.append(f"heard {weight:.2f}")
    else:
        label.said.append(_imported(origin, weight))


def _imported(origin: str, weight: float) -> str:
    if origin == "file":
        return "written in the file"
    return f"imported, {weight:g} {'person' if weight == 1 else 'people'}"


def _surest_first(label: SaidLabel) -> tuple[bool, bool, float, str]:
    curated = not label.refused and any(said.startswith("curated") for said in label.said)
    return label.refused, not curated, -(label.share or 0.0), label.name
