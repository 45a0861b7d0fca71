"""`train_tagger --from-library`: learning from curators' corrections on the command line."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.core.management.base import CommandError, OutputWrapper
from tqdm import tqdm

from catalog.models import Song
from tagging import lessons, services
from tagging.models import Lesson

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class WithNetwork:
    """That the whole network is to learn: how many recordings are read at once, and where it is tuned."""

    processes: int
    device: torch.device


def learn_from_library(out: OutputWrapper, name: str | None = None, network: WithNetwork | None = None) -> None:
    """Give a lesson with progress on standard error, put to use what comes of it, and print what did.

    Parameters
    ----------
    out : OutputWrapper
        Standard output.
    name : str, optional
        The new tagger's.
    network : WithNetwork, optional
        The label layer alone learns where it is None.

    Raises
    ------
    AlreadyLearning
        If another lesson is at work.
    TaggerError
        If there is nothing to begin with, or the new tagger cannot be called so, or not be written.
    """
    try:
        lesson = _learn(name) if network is None else _learn_with_network(out, name, network)
    except KeyboardInterrupt:
        rest = "everything is as it was" if network is None else "the same command goes on where it was"
        raise CommandError(f"interrupted: {rest}", returncode=130) from None
    for line in _table(lesson):
        out.write(line)
    if lesson.state == Lesson.State.REFUSED:
        out.write(f"No new tagger. {lesson.message}")
        return
    out.write(f"{lesson.tagger} is in use. {lesson.message}")
    try:
        with tqdm(total=services.to_relabel(), unit=" songs", file=sys.stderr, leave=False) as bar:
            services.relabel_from_embeddings(bar.update)
    except KeyboardInterrupt:
        left = services.to_relabel()
        raise CommandError(
            f"interrupted: {left} songs get their labels with manage.py tag_songs", returncode=130
        ) from None
    if pending := services.sweep():
        out.write(f"{pending} songs have not been heard yet: manage.py tag_songs, or a running worker does it")
    again = "" if network is None else "; all songs are then heard once more"
    out.write(f"To go back: manage.py taggers use {lesson.figures['base']}{again}")


def _learn(name: str | None) -> Lesson:
    with tqdm(unit=" labels", file=sys.stderr, leave=False) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        return lessons.give_now(name, show)


def _learn_with_network(out: OutputWrapper, name: str | None, network: WithNetwork) -> Lesson:
    from tagging.learning_network import learn_network

    n = Song.objects.filter(tagging_state=Song.Tagging.DONE, missing_since=None).exclude(path="").count()
    out.write(f"If a new tagger comes of it, all {n} songs are heard again by it; until then they keep their labels.")
    return lessons.take_note(learn_network(name, network.processes, network.device))


def _table(lesson: Lesson) -> list[str]:
    """A line a label."""
    labels = lesson.figures.get("labels", [])
    width = max((len(label["label"]) for label in labels), default=0)
    networks = "network" in lesson.figures
    layer = "  layer" if networks else ""
    lines = [f"{'label':{width}}  yes   no  before{layer}  after  no better  agreement"] if labels else []
    for label in labels:
        line = f"{label['label']:{width}} {label['yes']:4} {label['no']:4}"
        if label["after"] is None:
            lines.append(f"{line}  too few")
            continue
        agreement = "     new" if label["agreement"] is None else f"{label['agreement']:8.2f}"
        between = f" {label['layer']:6.3f}" if networks else ""
        areas = f"{label['before']:6.3f}{between} {label['after']:6.3f}"
        lines.append(f"{line}  {areas}  {label['no_better']:9.1%}   {agreement}  {_outcome(label['kept'])}")
    return lines


def _outcome(kept: bool) -> str:
    return "learned" if kept else "left as it was"
