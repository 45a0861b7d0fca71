"""How much longer Django's own templates take for a list of songs than Jinja2, which renders it on the pages.

    python -m benchmarks.templates [--songs N] [--rounds N] [--format table|json]

Both engines render the same rows, those of the library, from the same objects in memory, with the same functions for
icons, covers and addresses; that both give the same HTML, white space aside, is checked. Django's template is measured
twice: all in one, as is fastest, and with an include for each of the parts that are macros in
`templates/components/songs.jinja`, as one would write it for use on several pages. The engines take turns, and the
fastest round of each counts, so that whatever else the machine does counts least.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

if TYPE_CHECKING:
    from catalog.services.rows import SongRow

JINJA2, IN_ONE, WITH_INCLUDES = "Jinja2", "Django, in one", "Django, with includes"

DATA = (
    '{% if song.playable %} data-song="{{ song.get_absolute_url }}" data-title="{{ song.title }}"'
    ' data-artist="{{ song.artist }}" data-cover="{% cover_url song %}"'
    ' data-seconds="{% if song.duration_s %}{{ song.duration_s|stringformat:".3f" }}{% endif %}"{% endif %}'
)
PLAY = (
    '{% if song.playable %}<button class="icon-button song-row-play" type="button" data-play'
    ' aria-label="Play {{ song.title }}">{% icon "play" "when-paused" %}{% icon "pause" "when-playing" %}</button>'
    '{% else %}<span class="song-row-play song-row-silent"'
    ' title="Known from plays and labels: there is no file of it here">{% icon "silent" %}'
    '<span class="visually-hidden">No file here</span></span>{% endif %}'
)
STARS = (
    '<form class="stars" action="{{ song.get_absolute_url }}rate/" method="post"'
    ' hx-post="{{ song.get_absolute_url }}rate/" hx-trigger="change" hx-swap="none" hx-sync="this:queue last">'
    '<input type="hidden" name="csrfmiddlewaretoken" value="{{ csrf_token }}"><fieldset>'
    '<legend class="visually-hidden">Your stars for {{ song.title }}</legend>'
    '{% for stars in choices %}<input type="radio" name="stars" value="{{ stars }}"'
    ' aria-label="{{ stars }} star{% if stars > 1 %}s{% endif %}"{% if stars == row.stars %} checked{% endif %}>'
    '{% endfor %}<input type="radio" name="stars" value="0" aria-label="No stars" title="No stars"'
    "{% if not row.stars %} checked{% endif %}></fieldset>"
    '<noscript><button class="button">Rate</button></noscript></form>'
)
MORE = (
    '{% if song.playable %}<button class="icon-button song-more" type="button" data-more="{{ song.pk }}"'
    ' aria-label="More for {{ song.title }}">{% icon "more" %}</button>{% endif %}'
)
PLAYS = "{% if row.plays %}{{ row.plays }} play{{ row.plays|pluralize }}{% endif %}"
ROWS = """{% load songs %}{% for row in rows %}{% with song=row.song %}<li class="song-row"[data]>
  [play]
  <img class="cover song-row-cover" src="{% cover_url song %}" width="40" height="40" alt="" loading="lazy">
  <div class="song-row-text">
    <a class="song-row-title" href="{{ song.get_absolute_url }}">{{ song.title }}</a>
    <p class="song-row-by">{% by song %}</p>
  </div>
  {% if row.labels %}<p class="song-row-labels">{{ row.labels|join:", " }}</p>{% endif %}
  <div class="song-row-end">
    [stars]
    <span class="song-row-plays">@plays</span>
    <span class="song-row-length">{{ song.duration_s|clock }}</span>
    [more]
  </div>
</li>{% endwith %}{% endfor %}""".replace("@plays", PLAYS)
PARTS = {"data": DATA, "play": PLAY, "stars": STARS, "more": MORE}


class Figure(NamedTuple):
    """One way of rendering the list: its fastest round, and how many times as long as Jinja2's that is."""

    way: str
    milliseconds: float
    ratio: float


def make_rows(n: int) -> list[SongRow]:
    """Rows of songs in memory, every tenth without a file, with stars, plays and labels as a library has them."""
    from django.utils import timezone

    from catalog.models import LibraryRoot, Song
    from catalog.services.rows import SongRow

    root = LibraryRoot(pk=1, name="benchmark", path="/nowhere")
    rows = []
    for number in range(1, n + 1):
        song = Song(
            pk=number,
            title=f"Song & dance no. {number}",
            artist=f"Artist {number % 40}",
            album=f"Album {number % 90}",
            root=root,
            path=f"{number}.mp3" if number % 10 else "",
            duration_s=180.0 + number % 120,
            tagging_changed_at=timezone.now(),
        )
        song.set_keys()
        labels = [f"label {(number * step) % 100}" for step in (3, 5, 7)]
        rows.append(SongRow(song, labels, stars=number % 6 or None, plays=number % 4))
    return rows


def renderers(rows: list[SongRow]) -> dict[str, Callable[[], str]]:
    """Every way of rendering the rows."""
    from django.template import Context, Engine

    from catalog.components import render_component

    libraries = {"songs": "catalog.templatetags.songs"}
    parts = {f"{name}.html": f"{{% load songs %}}{part}" for name, part in PARTS.items()}
    loaders = [("django.template.loaders.cached.Loader", [("django.template.loaders.locmem.Loader", parts)])]
    engine = Engine(libraries=libraries, loaders=loaders)
    token = "t" * 64

    def with_django(filled: Callable[[str], str]) -> Callable[[], str]:
        source = re.sub(r"\[(\w+)\]", lambda place: filled(place[1]), ROWS)
        template = engine.from_string(source)
        context = {"rows": rows, "csrf_token": token, "choices": range(1, 6)}
        return lambda: template.render(Context(context))

    return {
        JINJA2: lambda: render_component("songs.rows", rows, csrf_token=token),
        IN_ONE: with_django(lambda name: PARTS[name]),
        WITH_INCLUDES: with_django(lambda name: f'{{% include "{name}.html" %}}'),
    }


def measure(n: int, rounds: int) -> list[Figure]:
    """Render in turns, and keep the fastest round of each.

    Raises
    ------
    SystemExit
        If the engines do not give the same HTML.
    """
    ways = renderers(make_rows(n))
    given = {way: "".join(render().split()) for way, render in ways.items()}
    if len(set(given.values())) > 1:
        sys.exit("The engines do not give the same HTML.")
    fastest = dict.fromkeys(ways, float("inf"))
    for _ in range(rounds):
        for way, render in ways.items():
            begun = time.process_time()
            render()
            fastest[way] = min(fastest[way], time.process_time() - begun)
    return [Figure(way, 1000 * seconds, seconds / fastest[JINJA2]) for way, seconds in fastest.items()]


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--format", choices=["table", "json"], default="table")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dcmrs-benchmark-") as home:
        os.environ |= {"DCMRS_HOME": home, "DJANGO_SETTINGS_MODULE": "dcmrs_site.settings"}
        import django
        from django.core.management import call_command

        django.setup()
        call_command("collectstatic", interactive=False, verbosity=0)
        figures = measure(options.songs, options.rounds)
    if options.format == "json":
        print(json.dumps([figure._asdict() for figure in figures]))
        return
    print(f"{options.songs} rows of songs, the fastest of {options.rounds} rounds, processor time")
    for figure in figures:
        print(f"{figure.way:<24} {figure.milliseconds:>7.2f} ms  {figure.ratio:>5.2f} times Jinja2's time")


if __name__ == "__main__":
    main()
