"""`train_tagger --from-library`: training on curators' corrections on the command line."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.core.management.base import CommandError, OutputWrapper
from tqdm import tqdm

from catalog.models import Song
from tagging.learning import training_jobs
from tagging.models import TrainingJob
from tagging.services import first_pass, relabelling

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class WithNetwork:
    """Options of fine-tuning the whole network: how many recordings are decoded in parallel, and the device."""

    processes: int
    device: torch.device


def learn_from_library(out: OutputWrapper, name: str | None = None, network: WithNetwork | None = None) -> None:
    """Train with progress on standard error, put the new tagger to use, relabel songs, and print the result.

    Parameters
    ----------
    out : OutputWrapper
        Standard output.
    name : str, optional
        The new tagger's name.
    network : WithNetwork, optional
        The label layer alone is trained where it is None.

    Raises
    ------
    CommandError
        If it is interrupted.
    AlreadyTraining
        If another training job is RUNNING.
    TaggerError
        If no local tagger is in use, the name is invalid or taken, or the file cannot be written.
    """
    try:
        job = _learn(name) if network is None else _learn_with_network(out, name, network)
    except KeyboardInterrupt:
        rest = "everything is as it was" if network is None else "the same command goes on where it was"
        raise CommandError(f"interrupted: {rest}", returncode=130) from None
    for line in _table(job):
        out.write(line)
    if job.state == TrainingJob.State.REFUSED:
        out.write(f"No new tagger. {job.message}")
        return
    out.write(f"{job.tagger} is in use. {job.message}")
    try:
        with tqdm(total=relabelling.to_relabel(), unit=" songs", file=sys.stderr, leave=False) as bar:
            relabelling.relabel_from_embeddings(bar.update)
    except KeyboardInterrupt:
        left = relabelling.to_relabel()
        raise CommandError(
            f"interrupted: {left} songs get their labels with manage.py tag_songs", returncode=130
        ) from None
    if pending := first_pass.sweep():
        out.write(f"{pending} songs have not been heard yet: manage.py tag_songs, or a running worker does it")
    again = "" if network is None else "; all songs are then heard once more"
    out.write(f"To go back: manage.py taggers use {job.figures['base']}{again}")


def _learn(name: str | None) -> TrainingJob:
    with tqdm(unit=" labels", file=sys.stderr, leave=False) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        return training_jobs.run_now(name, show)


def _learn_with_network(out: OutputWrapper, name: str | None, network: WithNetwork) -> TrainingJob:
    from tagging.learning.learned_network import learn_network

    n = Song.objects.playable().filter(tagging_state=Song.Tagging.DONE).count()
    out.write(f"If a new tagger comes of it, all {n} songs are heard again by it; until then they keep their labels.")
    return training_jobs.record(learn_network(name, network.processes, network.device))


def _table(job: TrainingJob) -> list[str]:
    """Format one line per label."""
    labels = job.figures.get("labels", [])
    width = max((len(label["label"]) for label in labels), default=0)
    networks = "network" in job.figures
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
