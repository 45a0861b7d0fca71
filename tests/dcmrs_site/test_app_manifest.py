"""The site as an app: what browsers are told, and pictures that are those of the site's own drawing."""

from __future__ import annotations

import re

import numpy as np
import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from PIL import Image, ImageChops

from dcmrs_site import app_icons
from dcmrs_site.app_icons import FOLDER, ICONS, Icon, draw
from tests.factories import make_user

pytestmark = pytest.mark.django_db


def test_a_browser_finds_all_that_an_app_needs_without_logging_in(client: Client) -> None:
    page = client.get("/accounts/login/").content.decode()
    found = re.search(r'<link rel="manifest" href="([^"]+)">', page)
    assert found
    answer = client.get(found[1])
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/manifest+json")
    about = answer.json()
    assert about["display"] == "standalone"
    assert {icon["purpose"] for icon in about["icons"]} == {"any", "maskable"}
    # Chromium installs what has one of each of these sizes.
    assert {"192x192", "512x512"} <= {icon["sizes"] for icon in about["icons"]}
    for icon in about["icons"]:
        file = finders.find(icon["src"].removeprefix("/static/"))
        assert file, icon["src"]
        with Image.open(file) as picture:
            assert icon["sizes"] == f"{picture.width}x{picture.height}"
    touch = re.search(r'<link rel="apple-touch-icon" href="/static/([^"]+)">', page)
    assert touch
    assert finders.find(touch[1])


def test_its_pages_are_pages_of_the_site(client: Client) -> None:
    client.force_login(make_user("ada"))
    about = client.get("/app.webmanifest").json()
    for address in (about["start_url"], *(one["url"] for one in about["shortcuts"])):
        assert client.get(address).status_code == 200


@pytest.mark.parametrize("icon", ICONS, ids=lambda icon: icon.name)
def test_the_pictures_are_those_of_the_drawing(icon: Icon) -> None:
    with Image.open(FOLDER / icon.name) as kept:
        difference = ImageChops.difference(kept.convert("RGBA"), draw(icon))
    # Another version of Pillow may round an edge otherwise.
    assert np.asarray(difference).max() <= 8


def test_a_device_that_cuts_a_shape_out_finds_ground_everywhere_and_the_lines_within_its_circle() -> None:
    icon = next(icon for icon in ICONS if icon.purpose == "maskable")
    picture = draw(icon)
    ground = picture.getpixel((0, 0))
    assert picture.getchannel("A").getextrema() == (255, 255)
    lines = ImageChops.difference(picture, Image.new("RGBA", picture.size, ground)).convert("RGB").getbbox()
    assert lines
    middle = icon.size / 2
    farthest = max((x - middle) ** 2 + (y - middle) ** 2 for x in lines[::2] for y in lines[1::2]) ** 0.5
    assert farthest <= 0.4 * icon.size


def test_a_drawing_that_it_cannot_read_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_icons, "DRAWING", FOLDER / "brand.svg")
    with pytest.raises(ValueError, match="teach app_icons"):
        draw(ICONS[0])
