"""How true labels are: ROC-AUC and PR-AUC of what people said, with intervals by resampling artists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .labelled import Labelled, Question
from .metrics import RESAMPLES, Figure, areas_of

Floats = NDArray[np.float64]
_SEED = 2024


@dataclass(frozen=True, slots=True)
class Verdict:
    """How well one list of labels answers.

    Attributes
    ----------
    by_question : dict of Question to (Figure, Figure)
        ROC-AUC and PR-AUC of each question that it has a label for.
    by_group : dict of str to (Figure, Figure)
        Their means over a group's questions.
    """

    by_question: dict[tuple[str, str], tuple[Figure, Figure]]
    by_group: dict[str, tuple[Figure, Figure]]
    n_questions: dict[str, int]


def judge_labels(labelled: Labelled, by_label: Floats, n_resamples: int = RESAMPLES) -> Verdict:
    """Ask one list of labels every question that it has a label for.

    Parameters
    ----------
    labelled : Labelled
    by_label : float64, shape (n_recordings, n_labels)
        Log-odds or scores; NaN where a label cannot be predicted.
    n_resamples : int
        Artists are drawn with replacement so often, all their recordings together.
    """
    counts = np.concatenate(
        [np.ones((len(labelled.recordings), 1)), _draws(labelled.artists, n_resamples)[labelled.artists]], axis=1
    )
    drawn: dict[tuple[str, str], Floats] = {}
    for question in labelled.questions:
        if (answers := question.answers(_comparable(by_label))) is not None:
            asked = question.asked
            drawn[question.group, question.name] = areas_of(answers[asked], question.true[asked], counts[asked])
    groups = list(dict.fromkeys(group for group, _ in drawn))
    by_group, n_questions = {}, {}
    for group in groups:
        of_group = np.stack([areas for (its_group, _), areas in drawn.items() if its_group == group])
        n_questions[group] = len(of_group)
        defined = np.isfinite(of_group)
        with np.errstate(invalid="ignore"):
            by_group[group] = _figures(np.where(defined, of_group, 0.0).sum(axis=0) / defined.sum(axis=0))
    return Verdict({key: _figures(areas) for key, areas in drawn.items()}, by_group, n_questions)


def table(verdicts: Mapping[str, Verdict], labelled: Labelled) -> str:
    """The figures of several lists side by side, as Markdown: a group a line, then a question a line."""
    groups = list(dict.fromkeys(question.group for question in labelled.questions))
    lines = [
        f"{len(labelled.recordings)} recordings by {len(np.unique(labelled.artists))} artists; ROC-AUC, in brackets "
        "where 95 % of resamples of the artists lie; PR-AUC; over how many questions",
        "",
        f"| | {' | '.join(verdicts)} |",
        f"|---|{'---|' * len(verdicts)}",
    ]
    for group in groups:
        cells = [_cell(verdict.by_group.get(group), verdict.n_questions.get(group)) for verdict in verdicts.values()]
        lines.append(f"| **{group}** | {' | '.join(cells)} |")
    lines += ["", f"| | true of | {' | '.join(verdicts)} |", f"|---|---|{'---|' * len(verdicts)}"]
    for question in labelled.questions:
        found = [verdict.by_question.get((question.group, question.name)) for verdict in verdicts.values()]
        cells = ["" if figures is None else f"{figures[0].value:.3f}" for figures in found]
        true = f"{np.count_nonzero(question.true)} of {np.count_nonzero(question.asked)}"
        lines.append(f"| {question.group}: {question.name} | {true} | {' | '.join(cells)} |")
    return "\n".join(lines)


def as_json(verdicts: Mapping[str, Verdict], labelled: Labelled) -> dict[str, object]:
    """The same for programs."""

    def figures(pair: Sequence[Figure]) -> dict[str, list[float]]:
        return {
            name: [figure.value, figure.low, figure.high]
            for name, figure in zip(("roc_auc", "pr_auc"), pair, strict=True)
        }

    return {
        "recordings": len(labelled.recordings),
        "taggers": {
            name: {
                "groups": {group: figures(pair) for group, pair in verdict.by_group.items()},
                "questions": {
                    f"{group}: {asked}": figures(pair) for (group, asked), pair in verdict.by_question.items()
                },
            }
            for name, verdict in verdicts.items()
        },
    }


def _cell(figures: tuple[Figure, Figure] | None, n: int | None) -> str:
    if figures is None:
        return ""
    roc, pr = figures
    return f"{roc.value:.3f} ({roc.low:.3f} to {roc.high:.3f}); {pr.value:.3f}; {n}"


def _figures(areas: Floats) -> tuple[Figure, Figure]:
    """ROC-AUC and PR-AUC of areas of shape (2, 1 + n_resamples), the recordings as they are first."""
    return Figure.of(areas[0, 0], areas[0, 1:]), Figure.of(areas[1, 0], areas[1, 1:])


def _draws(artists: NDArray[np.int64], n_resamples: int) -> Floats:
    """How often each resample holds each artist, shape (n_artists, n_resamples)."""
    n = int(artists.max()) + 1
    rng = np.random.default_rng(_SEED)
    return rng.multinomial(n, np.full(n, 1 / n), size=n_resamples).T.astype(np.float64)


def _comparable(by_label: Floats) -> Floats:
    """Each label in its own standard deviations, so that the mean of several is not that of the widest alone."""
    deviation = by_label.std(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(
            deviation > 0, (by_label - by_label.mean(axis=0)) / deviation, np.where(np.isfinite(by_label), 0.0, np.nan)
        )


__all__ = ["Question", "Verdict", "as_json", "judge_labels", "table"]
