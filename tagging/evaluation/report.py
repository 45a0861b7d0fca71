"""Reports of evaluations, as JSON and as a table."""

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
from .metrics import Calibration, Figure
from .predictions import Predictions, Predictor, Probabilities
from .truth import Truth

_FEWEST = 2


@dataclass(frozen=True, slots=True)
class Ranked:
    """ROC-AUC, PR-AUC and calibration of a tagger, over labels and by label.

    Attributes
    ----------
    macro_roc_auc, macro_pr_auc : Figure
    roc_auc, pr_auc : dict of str to Figure
        By label.
    positive : dict of str to int
        How many recordings have each of these labels.
    left_out : list of str
        Labels without a positive or without a negative recording.
    calibration : Calibration
        Against truth, or against a teacher's probabilities.
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
    """A tagger compared with another one's whole-song means.

    Attributes
    ----------
    labels : int
        How many labels both have.
    agreement : Figure
    agreement_by_label : dict of str to float
    kept : Ranked, optional
        With what reaches the teacher's operating points as truth; None where no label has both kinds of recordings.
    """

    labels: int
    agreement: Figure
    agreement_by_label: dict[str, float]
    kept: Ranked | None


@dataclass(frozen=True, slots=True)
class AgainstTruth:
    """A tagger compared with ground truth.

    Attributes
    ----------
    labels : int
        How many labels both have.
    unknown : list of str
        Labels of the ground truth that the tagger does not have.
    said : Ranked
    """

    labels: int
    unknown: list[str]
    said: Ranked


@dataclass(frozen=True, slots=True)
class Stability:
    """Stability of a tagger's predictions under one alteration.

    Attributes
    ----------
    best_kept : Figure
        Mean share of a recording's five most probable labels that stay among the five most probable.
    log_odds_change : Figure
        Mean absolute change of a label's log-odds.
    agreement : dict of str to Figure
        Of predictions of the altered recordings with each teacher's means of the unaltered ones.
    macro_roc_auc : Figure, optional
        Of predictions of the altered recordings against truth.
    """

    best_kept: Figure
    log_odds_change: Figure
    agreement: dict[str, Figure]
    macro_roc_auc: Figure | None


@dataclass(frozen=True, slots=True)
class TaggerReport:
    """The evaluation of one tagger.

    Attributes
    ----------
    teachers : dict of str to AgainstTeacher
        Teachers with a label in common, by name.
    truth : AgainstTruth, optional
    stability : dict of str to Stability
        By alteration; the unaltered recordings come first.
    """

    teachers: dict[str, AgainstTeacher]
    truth: AgainstTruth | None
    stability: dict[str, Stability]


@dataclass(frozen=True, slots=True)
class Report:
    """An evaluation of taggers.

    Attributes
    ----------
    recordings : int
    altered : int
        How many of them were also altered.
    unreadable : list of dict
        `file` and `error` of each recording that was left out.
    taggers : dict of str to TaggerReport
    """

    recordings: int
    altered: int
    unreadable: list[dict[str, str]]
    taggers: dict[str, TaggerReport]

    def as_json(self) -> dict[str, Any]:
        """Return all fields as JSON holds them, unrounded; None where a figure is not defined."""
        plain: dict[str, Any] = _plain(self)
        return plain

    def as_table(self) -> str:
        """Format the report as a table for people."""
        return "\n".join(_table(self))


def evaluate(
    predicted: Predictions, taggers: Sequence[Predictor], teachers: Sequence[Predictor], truth: Truth | None
) -> Report:
    """Compare taggers' predictions with their teachers' and with truth.

    Raises
    ------
    ValueError
        If fewer than two recordings can be read, or a tagger shares no label with teachers or truth.
    """
    if len(predicted.recordings) < _FEWEST:
        raise ValueError(f"{len(predicted.recordings)} of the recordings can be read: it takes two to compare them")
    true = None if truth is None else _rows(truth, predicted.recordings)
    reports = {tagger.name: _evaluate_tagger(tagger, predicted, teachers, true) for tagger in taggers}
    unreadable = [{"file": str(path), "error": why} for path, why in predicted.unreadable.items()]
    return Report(len(predicted.recordings), len(predicted.altered_rows), unreadable, reports)


def _rows(truth: Truth, recordings: Sequence[Path]) -> Truth:
    """Select the truth of some recordings, in their order."""
    places = {recording: row for row, recording in enumerate(truth.recordings)}
    return Truth(list(recordings), truth.labels, truth.true[[places[recording] for recording in recordings]])


def _evaluate_tagger(
    tagger: Predictor, predicted: Predictions, teachers: Sequence[Predictor], truth: Truth | None
) -> TaggerReport:
    plain, rows = predicted.plain[tagger.name], predicted.altered_rows
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
                against = None  # no label has both kinds of recordings among so few
        return Stability(
            metrics.mean(metrics.best_kept(before, answers)),
            metrics.mean(np.abs(metrics.log_odds(before) - metrics.log_odds(answers)).mean(axis=1)),
            {
                name: metrics.agreement(answers[:, ours], predicted.means[name][rows][:, theirs])
                for name, (ours, theirs) in shared.items()
            },
            against,
        )

    altered = {change: answers for (change, name), answers in predicted.altered.items() if name == tagger.name}
    return TaggerReport(
        {
            teacher.name: _against_teacher(tagger, plain, teacher, predicted.means[teacher.name], *shared[teacher.name])
            for teacher in teachers
            if teacher.name in shared
        },
        None if truth is None or of_truth is None else _against_truth(tagger, plain, truth, *of_truth),
        {change: stability(answers) for change, answers in {"as it is": plain[rows], **altered}.items()}
        if altered and rows.size
        else {},
    )


def _against_teacher(
    tagger: Predictor,
    plain: Probabilities,
    teacher: Predictor,
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
    tagger: Predictor, plain: Probabilities, truth: Truth, ours: NDArray[np.intp], theirs: NDArray[np.intp]
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


def _keys(predictor: Predictor) -> list[str]:
    return [label_key(name) for name in predictor.tagger.labels]


def _shared(tagger: Predictor, keys: Sequence[str]) -> tuple[NDArray[np.intp], NDArray[np.intp]] | None:
    """Find the columns of shared labels, on the tagger's side and on the other; None without any."""
    places = {key: place for place, key in reversed(list(enumerate(keys)))}
    pairs = [(ours, places[key]) for ours, key in enumerate(_keys(tagger)) if key in places]
    if not pairs:
        return None
    ours, theirs = np.array(pairs, np.intp).T
    return ours, theirs


def _plain(value: Any) -> Any:
    """Convert a value to what JSON can hold."""
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
    """Format a figure with its interval."""
    if figure is None or math.isnan(figure.value):
        return "-"
    if math.isnan(figure.low):
        return f"{figure.value:.3f}"
    return f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})"


def _share(figure: Figure) -> str:
    return f"{figure.value:.1%} ({figure.low:.1%} to {figure.high:.1%})"
