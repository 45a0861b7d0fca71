"""Choosing settings: on inner splits, one setting after another."""

from __future__ import annotations

from io import StringIO

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from recommender.engine.evaluation import choosing
from recommender.engine.evaluation.choosing import inner_splits, tried
from recommender.engine.evaluation.protocols import Listening, Protocol, split
from recommender.engine.interface import TrainingData

from .conftest import made_up


@pytest.fixture(scope="module")
def listening() -> Listening:
    data: TrainingData = made_up()
    return Listening(data, np.full(data.played.nnz, np.nan))


@pytest.fixture
def few_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every kind of setting, none of them often."""
    monkeypatch.setattr(choosing, "LATENT", {"factors": (2, 8), "regularization": (3.0, 30.0)})
    monkeypatch.setattr(choosing, "TWO_TOWER", {"steps": (1,)})
    monkeypatch.setattr(choosing, "PRIOR_STRENGTHS", (10.0,))
    monkeypatch.setattr(choosing, "REGULARIZATIONS", (3.0, 30.0))
    monkeypatch.setattr(choosing, "LISTENERS", 20)


def test_what_an_evaluation_holds_out_is_never_looked_at(listening: Listening) -> None:
    played = listening.data.played
    for number, inner in enumerate(inner_splits(listening, seed=3, splits=2)):
        protocol = list(Protocol)[number // 2]
        assert inner.protocol is protocol
        outer = split(listening, protocol, 3, number % 2)
        seen = inner.training.data.played.toarray() + inner.held_out.toarray()
        assert not (seen * outer.held_out.toarray()).any()
        assert (seen + outer.held_out.toarray() == played.toarray()).all()


def test_each_setting_is_varied_with_the_others_at_their_best(listening: Listening, few_settings: None) -> None:
    found = list(tried(listening, seed=1))
    assert [(one.method, one.setting.split()[0]) for one in found] == [
        *[("latent", "factors")] * 3,
        ("latent", "regularization"),
        *[("towers", "steps")] * 2,
        ("hybrid", "prior_strength"),
        *[("popular", "regularization")] * 2,
    ]
    highest: dict[str, float] = {}
    for one in found:
        value = float(np.exp(np.mean(np.log(list(one.figures.values())))))
        assert one.best == (value > 1.005 * highest.get(one.method, 0.0))
        highest[one.method] = value if one.best else highest[one.method]
    assert all(set(one.figures) == {"MAP warm", "MAP cold"} for one in found if one.method != "popular")


@pytest.mark.django_db
def test_the_command_says_what_is_missing() -> None:
    User.objects.create(username="alone")
    with pytest.raises(CommandError, match="too few plays"):
        call_command("choose_settings", stdout=StringIO(), stderr=StringIO())
    with pytest.raises(CommandError, match="from 1 to 5"):
        call_command("choose_settings", "--splits", "6")
