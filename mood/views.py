"""The page Mood: a picture or a word, what it says, and the query that the recommender answers with songs.

Scripts replace parts of the page, and get those parts; without scripts every answer is the whole page. Nothing of a
mood is in an address or a session: a page carries it in its own forms.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.http import ListenerRequest
from catalog.http import bad_request

from . import services
from .emotions import EMOTIONS, FEELINGS, MOODS
from .labels import Way
from .models import MoodReading, MusicFor
from .picture import MAX_BYTES
from .throttling import PictureThrottle
from .uploads import picture_in_memory

if TYPE_CHECKING:
    from .reading import Reading

# From which probability on a face shows one emotion, and from which one rather than the others.
_CLEAR = 0.6
_LIKELY = 0.4

_LABELS_SHOWN = 8
_READINGS_SHOWN = 20

_AS_ADJECTIVE = {"disgust": "disgusted"} | {feeling: name for name, feeling in MOODS.items()}
_WAYS_SAID = {
    MusicFor.MATCH: "Sad stays sad, and in good company.",
    MusicFor.LIFT: "From sad to hopeful, from angry to calm.",
}
_TRY_ANOTHER = "Take another picture, or say below how you feel."
_NO_PROBABILITY = "Each emotion has a probability."
_NO_FACE = "No face was found in the picture."
_NO_FACE_REMEDY = (
    "Look straight at the camera, with light on your face and nothing before it, and let the face fill half of the "
    "picture. Or say below how you feel."
)


@dataclass(frozen=True, slots=True)
class Bar:
    """An emotion and how likely it is."""

    word: str
    percent: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What the page says of a mood.

    Attributes
    ----------
    way : "match" or "lift"
    title : str
        The mood in a sentence; empty where there is none.
    bars : list
        The emotions of the face, most likely first; empty where there was no picture.
    said : str
        The mood that was picked, whatever the face shows; empty where none was.
    bends : str
        What the mood counts beside the listener's taste.
    given : list of pairs
        The fields of a form that asks for this mood again.
    problem, remedy : str
        Why there is no mood, and what to do.
    """

    way: Way
    title: str = ""
    bars: list[Bar] = field(default_factory=list)
    said: str = ""
    bends: str = ""
    given: list[tuple[str, str]] = field(default_factory=list)
    problem: str = ""
    remedy: str = ""

    @property
    def emotions(self) -> list[tuple[str, str]]:
        """Those fields that carry what a face showed."""
        return [(name, value) for name, value in self.given if name != "mood"]


@dataclass(frozen=True, slots=True)
class Query:
    """What the recommender is asked for; `remember`, where the listener wants moods kept."""

    labels: list[tuple[str, float]]
    share: float
    remember: bool

    @property
    def strongest(self) -> list[str]:
        """The labels that weigh most."""
        return [name for name, _ in self.labels[:_LABELS_SHOWN]]


@dataclass(frozen=True, slots=True)
class Kept:
    """A reading that is kept, as a line of a list."""

    reading: MoodReading
    words: str


# --- The page and its parts ---------------------------------------------------------------------


@never_cache
@require_safe
def mood(request: ListenerRequest) -> HttpResponse:
    """The page before anything is asked."""
    return _page(request, Answer(way=services.way_of(request.user)), None)


def _too_large(request: ListenerRequest) -> HttpResponse:
    megabytes = MAX_BYTES // 1_000_000
    return _problem(request, f"The picture is too large: at most {megabytes} MB are read.", _TRY_ANOTHER, 413)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@picture_in_memory(_too_large)
def picture(request: ListenerRequest) -> HttpResponse:
    """Read the picture that is sent as `picture`, and drop it."""
    if request.method != "POST":
        return redirect("mood")
    throttle = PictureThrottle()
    if not throttle.allow(request):
        seconds = math.ceil(throttle.wait() or 60)
        text = f"That were many pictures in a short time. Try again in {seconds} seconds, or say below how you feel."
        return _problem(request, text, "", 429)
    sent = request.FILES.get("picture")
    if sent is None:
        return _problem(request, "No picture was sent.", "Choose one first, or say below how you feel.", 400)
    try:
        reading = services.read_picture(sent)
    except services.PictureError as error:
        return _problem(request, str(error), "" if error.status == 503 else _TRY_ANOTHER, error.status)
    if not reading.faces:
        return _problem(request, _NO_FACE, _NO_FACE_REMEDY, 200, reading)
    emotions = reading.faces[0].emotions
    way = services.way_of(request.user)
    services.keep_reading(request.user, emotions, way)
    return _answered(request, _read(emotions, way), emotions, reading)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def word(request: ListenerRequest) -> HttpResponse:
    """The mood that was picked by hand, `mood`; the emotions that a face showed before stay beside it."""
    if request.method != "POST":
        return redirect("mood")
    picked = services.mood(request.POST.get("mood", ""))
    if picked is None:
        return bad_request(f"mood is one of {', '.join(MOODS)}.")
    try:
        emotions = _emotions(request.POST)
    except ValueError:
        return bad_request(_NO_PROBABILITY)
    way = services.way_of(request.user)
    services.keep_reading(request.user, picked.distribution, way, hand_picked=True)
    return _answered(request, _said(picked, way, emotions), picked.distribution)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def way(request: ListenerRequest) -> HttpResponse:
    """What the music should do from now on, `way`: match the mood that the form carries, if any, or lift it."""
    if request.method != "POST":
        return redirect("mood")
    chosen = services.as_way(request.POST.get("way", ""))
    if chosen is None:
        return bad_request("way is match or lift.")
    try:
        emotions = _emotions(request.POST)
    except ValueError:
        return bad_request(_NO_PROBABILITY)
    services.remember_way(request.user, chosen)
    if picked := services.mood(request.POST.get("mood", "")):
        return _answered(request, _said(picked, chosen, emotions), picked.distribution)
    if emotions:
        return _answered(request, _read(emotions, chosen), emotions)
    return _respond(request, Answer(way=chosen), None)


@require_POST
def keep(request: ListenerRequest) -> HttpResponse:
    """Whether readings are kept from now on."""
    services.remember_keeping(request.user, request.POST.get("keep") == "1")
    return _kept_part(request)


@require_POST
def forget(request: ListenerRequest, pk: int) -> HttpResponse:
    """Delete one of the listener's own readings."""
    if not services.forget_reading(request.user, pk):
        raise Http404
    return _kept_part(request)


@require_POST
def forget_all(request: ListenerRequest) -> HttpResponse:
    """Delete all readings."""
    services.forget_readings(request.user)
    return _kept_part(request)


# --- What is said -------------------------------------------------------------------------------


def _read(emotions: Mapping[str, float], way: Way) -> Answer:
    bars, given = _drawn(emotions)
    strongest = max(emotions.values())
    if strongest >= _CLEAR:
        title = f"You look {bars[0].word}"
    elif strongest >= _LIKELY:
        title = f"You look rather {bars[0].word}"
    else:
        title = f"Hard to tell: perhaps {', perhaps '.join(bar.word for bar in bars[:2])}"
    return Answer(way=way, title=title, bars=bars, given=given)


def _said(picked: services.Mood, way: Way, emotions: Mapping[str, float]) -> Answer:
    bars, given = _drawn(emotions)
    return Answer(
        way=way, title=f"You feel {picked.name}", bars=bars, said=picked.name, given=[("mood", picked.name), *given]
    )


def _drawn(emotions: Mapping[str, float]) -> tuple[list[Bar], list[tuple[str, str]]]:
    """Emotions as bars, most likely first, and as the fields of a form that carries them."""
    ranked = sorted(emotions.items(), key=lambda item: -item[1])
    bars = [Bar(_AS_ADJECTIVE.get(emotion, emotion), round(100 * probability)) for emotion, probability in ranked]
    return bars, [(emotion, f"{probability:.4f}") for emotion, probability in ranked]


def _emotions(form: QueryDict) -> dict[str, float]:
    """The emotions that a form carries from an earlier reading; none where it carries none.

    Raises
    ------
    ValueError
        If a probability is none.
    """
    emotions = {emotion: float(str(form[emotion])) for emotion in EMOTIONS if emotion in form}
    if any(not 0 <= probability <= 1 for probability in emotions.values()) or (emotions and not any(emotions.values())):
        raise ValueError("a probability is a number from 0 to 1")
    return emotions


def _in_words(reading: MoodReading) -> str:
    emotions = {feeling: value for feeling, value in reading.emotions.items() if feeling in FEELINGS}
    if reading.hand_picked:
        return ", ".join(_AS_ADJECTIVE.get(feeling, feeling) for feeling in emotions) + ", in your own word"
    ranked = sorted(emotions.items(), key=lambda item: -item[1])[:2]
    return ", ".join(f"{_AS_ADJECTIVE.get(feeling, feeling)} {100 * value:.0f} %" for feeling, value in ranked)


# --- Answering ----------------------------------------------------------------------------------


def _answered(
    request: ListenerRequest, answer: Answer, distribution: Mapping[str, float], reading: Reading | None = None
) -> HttpResponse:
    asked = services.query_for(request.user, distribution, answer.way)
    remember = services.preference(request.user).keep_readings
    query = Query(list(asked["labels"].items()), round(asked["strength"], 4), remember)
    bends = f"The mood counts {100 * query.share:.0f} % beside your taste"
    bends += "." if answer.said else ": the surer the reading, the more."
    return _respond(request, replace(answer, bends=bends), query, reading)


def _problem(
    request: ListenerRequest, problem: str, remedy: str, status: int, reading: Reading | None = None
) -> HttpResponse:
    answer = Answer(way=services.way_of(request.user), problem=problem, remedy=remedy)
    return _respond(request, answer, None, reading, status)


def _respond(
    request: ListenerRequest, answer: Answer, query: Query | None, reading: Reading | None = None, status: int = 200
) -> HttpResponse:
    """The parts of the page that the answer changes, or without scripts the page."""
    if not request.htmx:
        return _page(request, answer, query, status)
    context = _context(request, answer, query) | {"reading": reading, "oob": True}
    return render(request, "mood/answered.html", context, status=status)


def _page(request: ListenerRequest, answer: Answer, query: Query | None, status: int = 200) -> HttpResponse:
    return render(request, "mood/mood.html", _context(request, answer, query), status=status)


def _kept_part(request: ListenerRequest) -> HttpResponse:
    if not request.htmx:
        return redirect("mood")
    return render(request, "mood/kept.html", _kept(request))


def _context(request: ListenerRequest, answer: Answer, query: Query | None) -> dict[str, Any]:
    return {
        "answer": answer,
        "query": query,
        "moods": list(MOODS),
        "ways": [{"value": way.value, "label": way.label, "said": said} for way, said in _WAYS_SAID.items()],
        "max_bytes": MAX_BYTES,
    } | _kept(request)


def _kept(request: ListenerRequest) -> dict[str, Any]:
    readings = MoodReading.objects.filter(user=request.user)
    return {
        "keeps": services.preference(request.user).keep_readings,
        "kept": [Kept(reading, _in_words(reading)) for reading in readings[:_READINGS_SHOWN]],
        "kept_count": readings.count(),
    }
