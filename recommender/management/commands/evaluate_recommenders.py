"""How well every method finds plays that were held out from it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from kombu.exceptions import OperationalError
from tqdm import tqdm

from recommender import tasks
from recommender.engine.evaluation.comparison import Step
from recommender.engine.evaluation.protocols import Protocol, TooFewPlaysError
from recommender.engine.methods import DEFAULT_METHODS, METHODS
from recommender.evaluation import evaluating
from recommender.models import Evaluation

_FIGURES = {"auc": "AUC", "map": "MAP", "ndcg_at_10": "nDCG@10", "recall_at_50": "recall@50"}
_WHAT = {
    "warm": "a fifth of each listener's songs, the latest where plays carry a time, found among all songs that are new "
    "to the listener",
    "cold": "all plays of a fifth of the songs, found among these",
    "rare": "the same, found among all songs with fewer than {rare_below_listeners} listeners",
}


class Command(BaseCommand):
    """The command; `help` says what it does."""

    help = (
        "Measures every method of recommending, and baselines, on plays that are held out from them, in five splits. "
        "warm: a fifth of each listener's songs is held out, the latest where plays carry a time. cold: all plays of "
        "a fifth of the songs. The figures are kept with the snapshot."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Define the command line."""
        parser.add_argument("--protocol", choices=[str(one) for one in Protocol], help="default: both")
        parser.add_argument("--queue", action="store_true", help="have the worker do it, both protocols, and return")
        parser.add_argument("--format", choices=["table", "json"], default="table")

    def handle(self, **options: Any) -> None:
        """Run the command."""
        if options["queue"]:
            try:
                tasks.queue_evaluation()
            except OperationalError as error:
                raise CommandError(f"The queue cannot be reached: {error}") from error
            return
        wanted = [Protocol(options["protocol"])] if options["protocol"] else list(Protocol)
        done: dict[str, Evaluation] = {}
        failed: list[str] = []
        for protocol in wanted:
            try:
                with _progress(protocol) as step:
                    done[protocol] = evaluating.evaluate(protocol, step)
            except TooFewPlaysError as error:
                failed.append(f"too few plays for {protocol}: {error}")
            except KeyboardInterrupt:
                self.stderr.write(f"Interrupted: no figures of {protocol} are kept. The same command begins anew.")
                sys.exit(130)
            else:
                if options["format"] == "table":
                    self._table(done[protocol])
        if options["format"] == "json" and done:
            documents = {protocol: evaluation.figures for protocol, evaluation in done.items()}
            self.stdout.write(json.dumps(documents if len(wanted) > 1 else next(iter(documents.values()))))
        if failed:
            raise CommandError("; ".join(failed))

    def _table(self, evaluation: Evaluation) -> None:
        found = evaluation.figures
        if found["learned_from_listeners"] < found["all_listeners"]:
            self.stdout.write(
                f"Of {found['all_listeners']} listeners {found['learned_from_listeners']} are learned from: all of "
                "their plays would take too long."
            )
        methods, first = found["methods"], next(iter(found["ranked_among"]))
        width = max(map(len, methods))
        lists = ("coverage", "novelty", "cold_share")
        for ranking, among in found["ranked_among"].items():
            what = _WHAT[ranking if ranking in _WHAT and ranking != first else found["protocol"]].format(**found)
            self.stdout.write(
                f"{found['protocol']}: {what} ({among}). {found['listeners']} listeners, "
                f"{_counted(found['splits'], 'split')}; +- is the standard error over listeners."
            )
            heads = "".join(f"{head:>17}" for head in _FIGURES.values())
            self.stdout.write(f"{'':{width}}{heads}" + (_LISTS if ranking == first else ""))
            for name, figures in methods.items():
                mine = figures if ranking == first else figures[ranking]
                cells = "".join(f"{mine[one]:>9.4f} +-{mine['standard_errors'][one]:.4f}" for one in _FIGURES)
                tail = "".join(f"{figures[one]:>12.4f}" for one in lists) if ranking == first else ""
                self.stdout.write(f"{name:{width}}{cells}{tail}")
            self.stdout.write("")
        for name, why in found["not_fitted"].items():
            self.stdout.write(f"{name} is not measured: {why}")
        self._own_labels(methods)
        self._popularity(methods)
        self._differences(found)
        self._settings(methods)

    def _own_labels(self, methods: dict[str, Any]) -> None:
        for name, figures in methods.items():
            if left := figures.get("without_own_labels"):
                said = ", ".join(
                    f"{head} {left[one]:.4f} ({_interval(left['differences'][one])})" for one, head in _FIGURES.items()
                )
                self.stdout.write(f"Without each listener's own labels, {name}: {said}.")

    def _popularity(self, methods: dict[str, Any]) -> None:
        for name, figures in methods.items():
            if rank := figures.get("predicted_popularity"):
                mean = sum(rank) / len(rank)
                each = ", ".join(f"{one:.3f}" for one in rank)
                self.stdout.write(
                    f"Predicted popularity, {name}: rank correlation on held-out songs {mean:.3f} ({each})."
                )

    def _differences(self, found: dict[str, Any]) -> None:
        """What the best method of the engine is better than, and what not."""
        fitted = [name for name in found["methods"] if name in METHODS]
        best = next((name for name in DEFAULT_METHODS if name in fitted), None)
        if best is None:
            return
        self.stdout.write("")
        for ranking in found["ranked_among"]:
            self.stdout.write(
                f"{best} against the others ({ranking}): difference, and its {found['confidence']:.0%} interval "
                "by bootstrap over listeners"
            )
            for name in found["methods"]:
                if name == best:
                    continue
                said = []
                for one, head in _FIGURES.items():
                    difference = _between(found["differences"], ranking, one, best, name)
                    word = {best: "better", name: "worse", None: "not sure"}[difference["better"]]
                    said.append(f"{head} {_interval(difference)} {word}")
                self.stdout.write(f"  {name}: " + ", ".join(said))

    def _settings(self, methods: dict[str, Any]) -> None:
        chosen = {name: figures["settings"] for name, figures in methods.items() if "settings" in figures}
        if chosen:
            self.stdout.write("")
        for name, settings in chosen.items():
            counted = (
                f"{setting} ({_counted(settings.count(setting), 'split')})" for setting in dict.fromkeys(settings)
            )
            self.stdout.write(f"Chosen on inner splits for {name}: {'; '.join(counted)}")


_LISTS = "".join(f"{head:>12}" for head in ("coverage", "novelty", "cold in 10"))


def _between(differences: list[dict[str, Any]], ranking: str, figure: str, one: str, other: str) -> dict[str, Any]:
    """By how much one method is above another, whichever way round it was worked out."""
    for found in differences:
        if (found["ranking"], found["figure"]) == (ranking, figure):
            if (found["method"], found["than"]) == (one, other):
                return found
            if (found["method"], found["than"]) == (other, one):
                turned = {"difference": -found["difference"], "low": -found["high"], "high": -found["low"]}
                return {**found, **turned, "method": one, "than": other}
    raise KeyError(f"{one} and {other} are not compared")


def _interval(difference: dict[str, float]) -> str:
    return f"{difference['difference']:+.4f} [{difference['low']:+.4f}, {difference['high']:+.4f}]"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


@contextmanager
def _progress(protocol: str) -> Iterator[Step]:
    """A bar on standard error, with the time that is left."""
    form = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}, {remaining} left"
    # Methods differ much in how long they take: only the mean pace so far says anything of the rest.
    with tqdm(total=1.0, desc=protocol, bar_format=form, smoothing=0, file=sys.stderr, leave=False) as bar:

        def step(what: str, done: float) -> None:
            bar.set_description(f"{protocol}, {what}" if what else protocol, refresh=False)
            bar.update(done - bar.n)
            bar.refresh()

        yield step
