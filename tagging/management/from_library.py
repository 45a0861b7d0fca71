"""`train_tagger --from-library`: learning from curators' corrections on the command line."""

from __future__ import annotations

import sys

from django.core.management.base import CommandError, OutputWrapper
from tqdm import tqdm

from tagging import lessons, services
from tagging.models import Lesson


def learn_from_library(out: OutputWrapper, name: str | None = None) -> None:
    """Give a lesson with progress on standard error, put to use what comes of it, and print what did.

    Parameters
    ----------
    out : OutputWrapper
        Standard output.
    name : str, optional
        The new tagger's.

    Raises
    ------
    AlreadyLearning
        If another lesson is at work.
    TaggerError
        If there is nothing to begin with, or the new tagger cannot be called so, or not be written.
    """
    try:
        lesson = _learn(name)
    except KeyboardInterrupt:
        raise CommandError("interrupted: everything is as it was", returncode=130) from None
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
        out.write(f"{pending} songs have not been heard yet: manage.py tag_songs")
    out.write(f"To go back: manage.py taggers use {lesson.figures['base']}")


def _learn(name: str | None) -> Lesson:
    with tqdm(unit=" labels", file=sys.stderr, leave=False) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        return lessons.give_now(name, show)


def _table(lesson: Lesson) -> list[str]:
    """A line a label."""
    labels = lesson.figures.get("labels", [])
    width = max((len(label["label"]) for label in labels), default=0)
    lines = [f"{'label':{width}}  yes   no  before  after  agreement"] if labels else []
    for label in labels:
        line = f"{label['label']:{width}} {label['yes']:4} {label['no']:4}"
        if label["after"] is None:
            lines.append(f"{line}  too few")
            continue
        agreement = "     new" if label["agreement"] is None else f"{label['agreement']:8.2f}"
        lines.append(f"{line}  {label['before']:6.3f} {label['after']:6.3f} {agreement}  {_outcome(label['kept'])}")
    return lines


def _outcome(kept: bool) -> str:
    return "learned" if kept else "left as it was"
