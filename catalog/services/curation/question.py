"""What a curator is asked, as text: the label, its sources and how sure they are, and the song's other labels."""

from __future__ import annotations

from dataclasses import dataclass

from ...models import CurationItem
from ..song_labels import LabelGroup, labels_by_kind

_SHORT_S = 45.0


@dataclass(frozen=True, slots=True)
class Question:
    """One item of the queue, ready to be shown.

    Attributes
    ----------
    item : CurationItem
    why : str
        Why it is asked.
    sources : str
        Who says the label, and how sure.
    others : list of LabelGroup
        The song's other labels.
    begin_s : int
        Where playing begins, in seconds: past the introduction.
    """

    item: CurationItem
    why: str
    sources: str
    others: list[LabelGroup]
    begin_s: int


def question(item: CurationItem) -> Question:
    """What to show of an item, in one query."""
    groups = labels_by_kind(item.song, figures=True)
    sources = [one.sources for group in groups for one in group.labels if one.pk == item.label_id]
    for group in groups:
        group.labels[:] = [one for one in group.labels if one.pk != item.label_id and not one.refused]
    return Question(
        item=item,
        why=why(item),
        sources=" · ".join(one for of_label in sources for one in of_label),
        others=[group for group in groups if group.labels],
        begin_s=telling_place(item.song.duration_s),
    )


def why(item: CurationItem) -> str:
    """The reason for an item, in words."""
    figures = item.figures
    if item.reason == CurationItem.Reason.DOUBTED:
        many = figures["listeners"]
        return "One listener says this is wrong" if many == 1 else f"{many} listeners say this is wrong"
    if item.reason == CurationItem.Reason.CONTRADICTED:
        if figures["origin"] == "file":
            return f"The file says {item.label}, the tagger does not hear it"
        people = figures["people"]
        who = "One person says" if people == 1 else f"{people:,.10g} people say"
        return f"{who} {item.label}, the tagger does not hear it"
    return f"Heard with {figures['heard']:.2f}: it may or may not be"


def telling_place(duration_s: float | None) -> int:
    """Where a song of this length shows what it is, in seconds: a third into it, unless it is short."""
    return 0 if not duration_s or duration_s < _SHORT_S else round(duration_s / 3)
