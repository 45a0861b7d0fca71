"""The site's stylesheets: a file a subject to write in, one to send."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.storage import FileSystemStorage

from dcmrs_site.static_files import STYLESHEETS, WHOLE_STYLESHEET, StaticFiles

OF_THE_DASHBOARD = {
    "css/admin.css",
    "css/admin_dark.css",
    "css/admin_light.css",
    "css/curation.css",
    "css/dashboard.css",
}


def test_every_stylesheet_of_the_site_is_sent() -> None:
    css = Path(settings.BASE_DIR) / "static" / "css"
    assert {f"css/{file.name}" for file in css.glob("*.css")} == set(STYLESHEETS) | OF_THE_DASHBOARD


@pytest.fixture
def collected(tmp_path: Path) -> StaticFiles:
    """What `collectstatic` makes of the project's own files."""
    source = FileSystemStorage(location=Path(settings.BASE_DIR) / "static")
    storage = StaticFiles(location=tmp_path, base_url="/static/")
    files = [f"{folder}/{file}" for folder in ("css", "icons", "js") for file in source.listdir(folder)[1]]
    for name in files:
        with source.open(name) as file:
            storage.save(name, file)
    for _, _, processed in storage.post_process({name: (source, name) for name in files}):
        assert not isinstance(processed, Exception)
    return storage


def test_all_of_them_are_one_compressed_file_that_can_be_kept_forever(collected: StaticFiles, tmp_path: Path) -> None:
    address = collected.url(WHOLE_STYLESHEET)
    name = address.removeprefix("/static/")
    assert name != WHOLE_STYLESHEET
    text = (tmp_path / name).read_text()
    assert text.index("--ground:") < text.index(".button {") < text.index(".player {")
    assert (tmp_path / f"{name}.gz").stat().st_size < len(text) / 3
    assert "../icons/star." in text


def test_a_module_imports_another_one_by_the_name_that_can_be_kept_forever(
    collected: StaticFiles, tmp_path: Path
) -> None:
    imported = collected.url("js/song_queue.js").removeprefix("/static/js/")
    assert imported != "song_queue.js"
    player = tmp_path / collected.url("js/player.js").removeprefix("/static/")
    assert f'from "./{imported}";' in player.read_text()


def test_where_nothing_was_collected_each_is_served_from_where_it_lies() -> None:
    from dcmrs_site.templatetags.stylesheets import stylesheets

    assert stylesheets().count("<link") == len(STYLESHEETS)
