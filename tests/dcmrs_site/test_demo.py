"""The account that the demo makes, and shows again."""

from io import StringIO
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from catalog.services.listening import record_play
from dcmrs_site.management.commands.demo import Command, later
from recommender.models import Evaluation
from tests.factories import make_song, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def home(tmp_path: Path, settings: Settings) -> Path:
    settings.DCMRS_HOME = tmp_path
    return tmp_path


def shown() -> str:
    said = StringIO()
    Command(stdout=said)._show_account()
    return said.getvalue()


def test_it_is_made_once_with_a_password_that_is_shown_each_time(home: Path) -> None:
    first = shown()
    user = User.objects.get(username="demo")
    assert user.is_superuser
    assert user.check_password(first.split()[7])
    assert shown() == first


def test_two_demos_have_two_passwords(home: Path) -> None:
    first = shown()
    (home / "demo_account").unlink()
    User.objects.all().delete()
    assert shown() != first


def test_a_password_that_somebody_chose_is_neither_shown_nor_changed_back(home: Path) -> None:
    User.objects.create_superuser("demo", password="my own")
    assert shown() == "Log in as demo with the password that you chose.\n"
    assert User.objects.get().check_password("my own")


MEASURE = ["evaluate_recommenders", "--queue"]


def test_methods_are_measured_where_there_are_plays_and_only_once() -> None:
    assert MEASURE not in later()
    record_play(make_user(), make_song("Xtal"))
    assert MEASURE in later()
    Evaluation.objects.create(protocol="warm", seconds=1.0, figures={})
    assert MEASURE not in later()
