"""Every page of the site, in one table: looked at, read by axe, counted in queries and in milliseconds from here.

A new page is a new row; `tests/dcmrs_site/test_every_page.py` names an address of the site that has none. What a page
shows once something is opened or typed is a row of `tests/browser/states.py`.
"""

from __future__ import annotations

from typing import NamedTuple


class SitePage(NamedTuple):
    """A page, as somebody sees it.

    Attributes
    ----------
    name : str
        Of its picture, and of its row in every table.
    address : str
        With places for what differs from site to site: {song} (its number), {artist} (its key), {label} (its number),
        {title} (its first word), {playlist} (its number).
    queries : int
        How many it may do at most, in a library of any size.
    who : str or None
        `mira` listens, `newcomer` has done nothing yet, `boss` is staff, None is a stranger.
    status : int
        What the server answers.
    """

    name: str
    address: str
    queries: int
    who: str | None = "mira"
    status: int = 200


PAGES = [
    # Strangers
    SitePage("log-in", "/accounts/login/", 0, None),
    SitePage("sign-up", "/accounts/signup/", 0, None),
    SitePage("reset-password", "/accounts/reset/", 0, None),
    SitePage("reset-password-sent", "/accounts/reset/sent/", 0, None),
    SitePage("reset-password-link-old", "/accounts/reset/x/y/", 0, None),
    SitePage("reset-password-done", "/accounts/reset/done/", 0, None),
    # Listening. While songs arrive For you does five queries more than in a library that is heard.
    SitePage("for-you", "/", 13),
    SitePage("for-you-label", "/?label={label_name}", 14),
    SitePage("for-you-newcomer", "/", 13, "newcomer"),
    SitePage("library", "/library/", 11),
    SitePage("library-found", "/library/?q={title}", 11),
    SitePage("library-filtered", "/library/?q={title}&label={label_name}&sort=title", 12),
    SitePage("library-typo", "/library/?q=davsi", 7),
    SitePage("library-nothing", "/library/?q=zzz", 7),
    SitePage("artists", "/artists/", 6),
    SitePage("artists-found", "/artists/?q=xyz", 6),
    SitePage("albums", "/albums/?sort=artist", 6),
    SitePage("artist", "/artists/{artist}/", 12),
    SitePage("album", "/songs/{song}/album/", 11),
    SitePage("song", "/songs/{song}/", 11),
    SitePage("find", "/find/", 8),
    SitePage("find-found", "/find/?q=calm+but+not+{label_name}", 18),
    SitePage("map", "/map/", 6),
    SitePage("mood", "/mood/", 8),
    SitePage("playlists", "/playlists/", 5),
    SitePage("playlists-empty", "/playlists/", 5, "newcomer"),
    SitePage("playlist", "/playlists/{playlist}/", 10),
    SitePage("playlist-delete", "/playlists/{playlist}/delete/", 5),
    # What somebody likes, and what follows from it
    SitePage("taste", "/taste/", 6),
    SitePage("taste-empty", "/taste/", 6, "newcomer"),
    SitePage("taste-label", "/taste/labels/{label}/", 10),
    SitePage("history", "/taste/history/", 10),
    SitePage("history-most", "/taste/history/?by=most", 9),
    SitePage("not-this", "/taste/not-this/", 9),
    SitePage("my-ratings", "/ratings/", 9),
    SitePage("favourites", "/favourites/", 10),
    SitePage("favourites-empty", "/favourites/", 6, "newcomer"),
    SitePage("my-ratings-empty", "/ratings/", 5, "newcomer"),
    SitePage("compare", "/compare/?title={title}", 19),
    SitePage("how-it-works", "/how-it-works/", 4),
    # Accounts
    SitePage("account", "/accounts/account/", 4),
    SitePage("change-password", "/accounts/password/", 4),
    SitePage("change-password-done", "/accounts/password/done/", 4),
    SitePage("players", "/accounts/players/", 6),
    SitePage("api-tokens", "/accounts/tokens/", 5),
    SitePage("delete-account", "/accounts/delete/", 4),
    SitePage("upload", "/upload/", 8, "boss"),
    SitePage("offline", "/offline/", 4),
    SitePage("offline-shell", "/offline/shell/", 0, None),
    # What went wrong
    SitePage("not-found", "/nowhere/", 4, status=404),
    SitePage("not-allowed", "/upload/", 4, status=403),
    # Staff
    SitePage("admin", "/admin/", 5, "boss"),
    SitePage("admin-songs", "/admin/catalog/song/", 8, "boss"),
    SitePage("admin-song", "/admin/catalog/song/{song}/change/", 10, "boss"),
    SitePage("admin-labels", "/admin/catalog/label/", 8, "boss"),
    SitePage("admin-curation", "/admin/catalog/curationitem/", 12, "boss"),
    SitePage("admin-curation-many", "/admin/catalog/curationitem/bulk/?name={label_name}&lowest=0.3", 9, "boss"),
    SitePage("admin-curation-label", "/admin/catalog/curationitem/label/{label}/", 9, "boss"),
    SitePage("admin-curation-log", "/admin/catalog/curationaction/", 8, "boss"),
    SitePage("admin-taggers", "/admin/tagging/trainingjob/", 11, "boss"),
    SitePage("admin-covers", "/admin/catalog/coverlookup/", 8, "boss"),
    SitePage("admin-evaluations", "/admin/recommender/evaluation/", 8, "boss"),
    SitePage("admin-emotions", "/admin/mood/emotionlabel/", 7, "boss"),
    SitePage("admin-words", "/admin/recommender/word/?try=calm+but+not+{label_name}", 11, "boss"),
]

PARTS = [
    SitePage("for-you: the rows that follow", "/?rows=rest", 13),
    SitePage("for-you: songs that arrive", "/arrivals/", 8),
    SitePage("song: similar songs", "/songs/{song}/similar/", 12),
    SitePage("song: fits you", "/songs/{song}/fits-you/", 14),
    SitePage("map: what songs are called", "/map/songs/?songs={song}", 4),
    SitePage("song: its sound", "/songs/{song}/sound/", 5),
    SitePage("song: its words", "/songs/{song}/lyrics/", 4),
    SitePage("artist: similar artists", "/similar-artists/{artist}/", 7),
    SitePage("library: labels' names", "/library/labels/", 4),
    SitePage("library: artists' names", "/library/artists/", 4),
    SitePage("compare: listeners' names", "/compare/listeners/?listener=m", 5, "boss"),
    SitePage("compare: why a song is missing", "/compare/why/?title={title}", 11),
    SitePage("library: songs without labels", "/tagging/status/", 6),
    SitePage("admin: labels as they are typed", "/admin/catalog/curationitem/labels/?name={label_name}", 6, "boss"),
    SitePage("admin: library", "/admin/desk/library/", 10, "boss"),
    SitePage("admin: snapshots", "/admin/desk/snapshots/", 10, "boss"),
    SitePage("admin: to curate", "/admin/desk/curation/", 16, "boss"),
    SitePage("admin: queue", "/admin/desk/queue/", 2, "boss"),
    SitePage("admin: people", "/admin/desk/people/", 6, "boss"),
    SitePage("admin: disk", "/admin/desk/disk/", 3, "boss"),
    SitePage("admin: tagging", "/admin/tagging/progress/", 6, "boss"),
    SitePage("admin: taggers", "/admin/tagging/trainingjob/state/", 6, "boss"),
    SitePage("player: a queue that was kept", "/queue/", 4),
    SitePage("player: stars", "/songs/{song}/stars/", 6),
    SitePage("player: songs that follow", "/songs/{song}/go-on/", 10),
]
"""What pages fetch for themselves, when they are shown or while somebody types."""

OWN_QUERIES = {
    "artist": 10,  # session, user, notes of changes, labels, songs, their labels, stars and plays; albums, favourite
    "album": 9,  # session, user, notes of changes, first song, songs, their labels, stars and plays, favourite
    "library": 10,
    "my-ratings": 7,  # session, user, count, ratings with songs, labels, stars, plays
    "song": 9,  # session, user, song, labels, stars, listeners, refusal, favourite, doubts
    "history": 8,  # session, user, count, what plays now, plays with songs, labels, stars, play counts
    "not-this": 7,
    "playlist": 9,  # session, user, playlist, count, songs, labels, stars, plays, roots
    "playlists": 3,  # session, user, playlists
    "compare": 14,
    # session, user, the song, plays, snapshot, taste, songs; likeness asks for the snapshot again
    "player: songs that follow": 8,
    "for-you": 8,  # session, user, snapshot, arrivals, taste, contexts, songs, who has played the new ones
    "song: fits you": 12,
    "taste": 4,  # session, user, snapshot, taste
}
"""The queries of some pages in the small library of their own tests, where it is counted from the first visit on."""

NO_PAGES = {
    # Files and numbers
    *(
        "audio",
        "download",
        "app_manifest",
        "service_worker",
        "cover",
        "artist_picture",
        "waveform",
        "waveform_numbers",
        "loudness",
        "spectrogram",
        "playlist_export",
        "export",
        "health",
        "metrics",
        "theme",
    ),
    "map_places",
    # What players ask for
    "opensubsonic",
    # What is only sent: its answer is a page or a part of one that has its row or its state
    *(
        "favourite",
        "favourite_album",
        "favourite_artist",
        "dial",
        "pick_label",
        "rate",
        "play",
        "not_this",
        "more_like_this",
        "doubt_label",
        "songs_for_query",
    ),
    *("playlist_choose", "playlist_rename", "playlist_import", "playlist_add", "playlist_remove", "playlist_move"),
    *("context_keep", "context_rename", "context_delete"),
    *("mood_picture", "mood_word", "mood_way", "mood_keep", "mood_forget", "mood_forget_all", "logout"),
    *("dashboard_retry", "dashboard_gone", "dashboard_recompute"),
    *("admin:curation_decide", "admin:curation_undo", "admin:curation_undo_one", "admin:curation_same"),
    # What is offered after a correction: a state of the dashboard
    "alike",
    *(
        "admin:tagging_trainingjob_use",
        "admin:tagging_trainingjob_learn",
        "admin:mood_emotionlabel_reset",
        "admin:recommender_word_reset",
        "admin:catalog_coverlookup_ask",
    ),
}
"""The names of addresses that show no page of their own."""


def fill(address: str, values: dict[str, object]) -> str:
    """An address with its places filled."""
    for name, value in values.items():
        address = address.replace(f"{{{name}}}", str(value))
    return address
