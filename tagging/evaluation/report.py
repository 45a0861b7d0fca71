"""What an evaluation found: a document for programs, a table for people."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catalog.importing.walking import printable
from catalog.names import label_key

from . import metrics
from .listening import Heard, Listener, Probabilities
from .metrics import Calibration, Figure
from .truth import Truth

_FEWEST = 2


@dataclass(frozen=True, slots=True)
class Ranked:
    """How well a tagger tells the recordings with a label from those without.

    Attributes
    ----------
    macro_roc_auc, macro_pr_auc : Figure
    roc_auc, pr_auc : dict of str to Figure
        By label.
    positive : dict of str to int
        Recordings that have each of these labels.
    left_out : list of str
        Labels without a recording that has them, or without one that has not.
    calibration : Calibration
        Against truth; against a teacher's probabilities, where there is none.
    """

    macro_roc_auc: Figure
    macro_pr_auc: Figure
    roc_auc: dict[str, Figure]
    pr_auc: dict[str, Figure]
    positive: dict[str, int]
    left_out: list[str]
    calibration: Calibration


@dataclass(frozen=True, slots=True)
class AgainstTeacher:
    """A tagger beside another one's whole-song means.

    Attributes
    ----------
    labels : int
        How many labels both have.
    agreement : Figure
    agreement_by_label : dict of str to float
    kept : Ranked, optional
        True being what reaches the teacher's operating points; None where that parts the recordings nowhere.
    """

    labels: int
    agreement: Figure
    agreement_by_label: dict[str, float]
    kept: Ranked | None


@dataclass(frozen=True, slots=True)
class AgainstTruth:
    """A tagger beside what people say.

    Attributes
    ----------
    labels : int
        How many labels both have.
    unknown : list of str
        Labels that only the people have.
    said : Ranked
    """

    labels: int
    unknown: list[str]
    said: Ranked


@dataclass(frozen=True, slots=True)
class Stability:
    """How a tagger's answers hold when recordings are altered.

    Attributes
    ----------
    best_kept : Figure
        The share of a recording's five best labels that are still among its five best.
    log_odds_change : Figure
        Mean absolute change of a label's log-odds.
    agreement : dict of str to Figure
        Of the answers to the altered recordings with each teacher's means of the recordings as they are.
    macro_roc_auc : Figure, optional
        Of the answers to the altered recordings against truth.
    """

    best_kept: Figure
    log_odds_change: Figure
    agreement: dict[str, Figure]
    macro_roc_auc: Figure | None


@dataclass(frozen=True, slots=True)
class TaggerReport:
    """What was found of one tagger.

    Attributes
    ----------
    teachers : dict of str to AgainstTeacher
        Teachers with a label in common, by name.
    truth : AgainstTruth, optional
    stability : dict of str to Stability
        By alteration; the recordings as they are come first.
    """

    teachers: dict[str, AgainstTeacher]
    truth: AgainstTruth | None
    stability: dict[str, Stability]


@dataclass(frozen=True, slots=True)
class Report:
    """What was found.

    Attributes
    ----------
    recordings : int
    altered : int
        How many of them were altered too.
    unreadable : list of dict
        `file` and `error` of each recording that was left out.
    taggers : dict of str to TaggerReport
    """

    recordings: int
    altered: int
    unreadable: list[dict[str, str]]
    taggers: dict[str, TaggerReport]

    def as_json(self) -> dict[str, Any]:
        """Everything, unrounded; None where a figure is not defined."""
        plain: dict[str, Any] = _plain(self)
        return plain

    def as_table(self) -> str:
        """For people."""
        return "\n".join(_table(self))


def judge(heard: Heard, taggers: Sequence[Listener], teachers: Sequence[Listener], truth: Truth | None) -> Report:
    """Compare what taggers heard with what their teachers heard, and with truth.

    Raises
    ------
    ValueError
        If fewer than two recordings could be heard, or a tagger has no label in common with anything.
    """
    if len(heard.recordings) < _FEWEST:
        raise ValueError(f"{len(heard.recordings)} of the recordings can be read: it takes two to compare them")
    true = None if truth is None else _rows(truth, heard.recordings)
    reports = {tagger.name: _judge(tagger, heard, teachers, true) for tagger in taggers}
    unreadable = [{"file": str(path), "error": why} for path, why in heard.unreadable.items()]
    return Report(len(heard.recordings), len(heard.altered_rows), unreadable, reports)


def _rows(truth: Truth, recordings: Sequence[Path]) -> Truth:
    """Truth of some of its recordings, in another order."""
    places = {recording: row for row, recording in enumerate(truth.recordings)}
    return Truth(list(recordings), truth.labels, truth.true[[places[recording] for recording in recordings]])


def _judge(tagger: Listener, heard: Heard, teachers: Sequence[Listener], truth: Truth | None) -> TaggerReport:
    plain, rows = heard.plain[tagger.name], heard.altered_rows
    shared = {teacher.name: pairs for teacher in teachers if (pairs := _shared(tagger, _keys(teacher))) is not None}
    of_truth = None if truth is None else _shared(tagger, truth.labels)
    if not shared and of_truth is None:
        others = [teacher.name for teacher in teachers] + ["the truth"] * (truth is not None)
        raise ValueError(f"{tagger.name} has no label in common with {' or '.join(others)}")

    def stability(answers: Probabilities) -> Stability:
        before = plain[rows]
        against = None
        if truth is not None and of_truth is not None:
            try:
                ranking = metrics.ranking(answers[:, of_truth[0]], truth.true[rows][:, of_truth[1]])
                against = ranking.macro_roc_auc
            except ValueError:
                against = None  # among so few recordings no label parts them
        return Stability(
            metrics.mean(metrics.best_kept(before, answers)),
            metrics.mean(np.abs(metrics.log_odds(before) - metrics.log_odds(answers)).mean(axis=1)),
            {
                name: metrics.agreement(answers[:, ours], heard.means[name][rows][:, theirs])
                for name, (ours, theirs) in shared.items()
            },
            against,
        )

    altered = {change: answers for (change, name), answers in heard.altered.items() if name == tagger.name}
    return TaggerReport(
        {
            teacher.name: _against_teacher(tagger, plain, teacher, heard.means[teacher.name], *shared[teacher.name])
            for teacher in teachers
            if teacher.name in shared
        },
        None if truth is None or of_truth is None else _against_truth(tagger, plain, truth, *of_truth),
        {change: stability(answers) for change, answers in {"as it is": plain[rows], **altered}.items()}
        if altered and rows.size
        else {},
    )


def _against_teacher(
    tagger: Listener,
    plain: Probabilities,
    teacher: Listener,
    means: Probabilities,
    ours: NDArray[np.intp],
    theirs: NDArray[np.intp],
) -> AgainstTeacher:
    names = [tagger.tagger.labels[column] for column in ours]
    answers, taught = plain[:, ours], means[:, theirs]
    points = np.array([teacher.description.labels[column].operating_point for column in theirs])
    by_label = {
        name: metrics.agreement(answers[:, [place]], taught[:, [place]], 0).value for place, name in enumerate(names)
    }
    try:
        kept = _ranked(names, answers, taught >= points, taught)
    except ValueError:
        kept = None
    return AgainstTeacher(len(names), metrics.agreement(answers, taught), by_label, kept)


def _against_truth(
    tagger: Listener, plain: Probabilities, truth: Truth, ours: NDArray[np.intp], theirs: NDArray[np.intp]
) -> AgainstTruth:
    names = [tagger.tagger.labels[column] for column in ours]
    known = set(theirs.tolist())
    unknown = [label for place, label in enumerate(truth.labels) if place not in known]
    true = truth.true[:, theirs]
    return AgainstTruth(len(names), unknown, _ranked(names, plain[:, ours], true, true))


def _ranked(
    names: Sequence[str], answers: Probabilities, true: NDArray[np.bool_], observed: NDArray[np.bool_] | Probabilities
) -> Ranked:
    ranking = metrics.ranking(answers, true)
    return Ranked(
        ranking.macro_roc_auc,
        ranking.macro_pr_auc,
        {names[column]: figure for column, figure in ranking.roc_auc.items()},
        {names[column]: figure for column, figure in ranking.pr_auc.items()},
        {names[column]: int(true[:, column].sum()) for column in ranking.roc_auc},
        [name for column, name in enumerate(names) if column not in ranking.roc_auc],
        metrics.calibration(answers, observed),
    )


def _keys(listener: Listener) -> list[str]:
    return [label_key(name) for name in listener.tagger.labels]


def _shared(tagger: Listener, keys: Sequence[str]) -> tuple[NDArray[np.intp], NDArray[np.intp]] | None:
    """The columns of the labels that a tagger shares with others, on its side and on theirs; None without any."""
    places = {key: place for place, key in reversed(list(enumerate(keys)))}
    pairs = [(ours, places[key]) for ours, key in enumerate(_keys(tagger)) if key in places]
    if not pairs:
        return None
    ours, theirs = np.array(pairs, np.intp).T
    return ours, theirs


def _plain(value: Any) -> Any:
    """What JSON can hold of a value."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, np.ndarray | list):
        return [_plain(each) for each in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _table(report: Report) -> Iterator[str]:
    width = max(map(len, report.taggers))
    yield f"{report.recordings} recordings" + (
        f", {len(report.unreadable)} more cannot be read" if report.unreadable else ""
    )
    if any(one.truth for one in report.taggers.values()):
        yield from _truth_table(report, width)
    teachers = list(dict.fromkeys(name for one in report.taggers.values() for name in one.teachers))
    for teacher in teachers:
        yield from _teacher_table(report, teacher, width)
    if any(one.stability for one in report.taggers.values()):
        yield from _stability_table(report, teachers)


def _truth_table(report: Report, width: int) -> Iterator[str]:
    judged = {name: one.truth for name, one in report.taggers.items() if one.truth is not None}
    yield from ("", "Against truth", "")
    labels = list(dict.fromkeys(label for one in judged.values() for label in one.said.roc_auc))
    longest = max(map(len, labels))
    yield f"{'':{longest}}  positive" + "".join(f"  {name:>49}" for name in judged)
    yield f"{'':{longest}}          " + f"  {'ROC-AUC':>24} {'PR-AUC':>24}" * len(judged)
    for label in labels:
        positive = next(one.said.positive[label] for one in judged.values() if label in one.said.positive)
        cells = (
            f"  {_figure(one.said.roc_auc.get(label)):>24} {_figure(one.said.pr_auc.get(label)):>24}"
            for one in judged.values()
        )
        yield f"{label:{longest}}  {positive:8d}" + "".join(cells)
    yield from _summary({name: one.said for name, one in judged.items()}, width)
    for name, one in judged.items():
        yield from _reliability(name, one.said.calibration)
        yield from _named(f"{name} has no word for", one.unknown)


def _teacher_table(report: Report, teacher: str, width: int) -> Iterator[str]:
    judged = {name: one.teachers[teacher] for name, one in report.taggers.items() if teacher in one.teachers}
    yield from ("", f"Against the whole-song means of {teacher}", "")
    yield f"{'':{width}}  labels                 agreement"
    for name, one in judged.items():
        yield f"{name:{width}}  {one.labels:6d}  {_figure(one.agreement):>24}"
    if kept := {name: one.kept for name, one in judged.items() if one.kept is not None}:
        yield from ("", f"Telling what {teacher} keeps from what it does not")
        yield from _summary(kept, width)


def _summary(judged: dict[str, Ranked], width: int) -> Iterator[str]:
    yield ""
    yield f"{'':{width}}  labels             macro ROC-AUC             macro PR-AUC  calibration error"
    for name, one in judged.items():
        yield (
            f"{name:{width}}  {len(one.roc_auc):6d}  {_figure(one.macro_roc_auc):>24} {_figure(one.macro_pr_auc):>24}"
            f"  {one.calibration.error:17.4f}"
        )
    for name, one in judged.items():
        yield from _named(f"{name}: left out, being true of all recordings or of none", one.left_out)


def _reliability(name: str, calibration: Calibration) -> Iterator[str]:
    yield from ("", f"{name}: of answers that say so much on average, so many are true")
    yield "said  " + " ".join(f"{said:6.3f}" for said in calibration.predicted)
    yield "true  " + " ".join(f"{true:6.3f}" for true in calibration.observed)


def _stability_table(report: Report, teachers: Sequence[str]) -> Iterator[str]:
    yield from ("", f"Stability, {report.altered} recordings; beside it what the altered ones are still worth", "")
    of_truth = any(change.macro_roc_auc for one in report.taggers.values() for change in one.stability.values())
    names = [f"{teacher} agreement" for teacher in teachers] + ["macro ROC-AUC"] * of_truth
    longest = max(len(change) for one in report.taggers.values() for change in one.stability)
    for tagger, one in report.taggers.items():
        yield f"{tagger:{longest}}     5 best labels that stay  log-odds change" + "".join(
            f"  {name:>24}" for name in names
        )
        for change, found in one.stability.items():
            figures = [found.agreement.get(teacher) for teacher in teachers] + [found.macro_roc_auc] * of_truth
            yield (
                f"{change:{longest}}  {_share(found.best_kept):>26}  {found.log_odds_change.value:15.4f}"
                + "".join(f"  {_figure(figure):>24}" for figure in figures)
            )
        yield ""


def _named(what: str, labels: Iterable[str]) -> Iterator[str]:
    if listed := ", ".join(map(printable, labels)):
        yield f"{what}: {listed}"


def _figure(figure: Figure | None) -> str:
    """A figure with its interval."""
    if figure is None or math.isnan(figure.value):
        return "-"
    if math.isnan(figure.low):
        return f"{figure.value:.3f}"
    return f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})"


def _share(figure: Figure) -> str:
    return f"{figure.value:.1%} ({figure.low:.1%} to {figure.high:.1%})"
