"""Writing labels of taggers, files and curators, and merging, renaming and deleting labels.

Tables of labels are imported by `tables`; merging songs moves annotations in `song_merging`, and undoing a curator's
action restores them in `curation.undo`. All of them announce changes by `announce_labels_changed`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from ..models import CurationItem, Label, LabelAlias, LabelAssignment, LabelDoubt, Song, SongLabel
from ..names import label_key, other_number
from ..search import labels_by_key
from ..signals import labels_changed
from .bulk import store_rows
from .curation import log

VERDICTS: dict[bool | None, tuple[str, str]] = {
    True: (log.Kind.KEPT, "kept on"),
    False: (log.Kind.REFUSED, "refused on"),
    None: (log.Kind.TAKEN_BACK, "left to the tagger again on"),
}
"""The kind of action of a verdict in the curation log, and its wording between label and song."""


background_sources: list[Callable[[], Collection[str]]] = []
"""What `background_labels` has registered."""


def background_labels(source: Callable[[], Collection[str]]) -> Callable[[], Collection[str]]:
    """Register a function that returns names of labels that say little to a listener, whatever their source."""
    background_sources.append(source)
    return source


def announce_labels_changed(song_ids: Iterable[int] | None) -> None:
    """Send `labels_changed` once the current transaction is committed."""
    ids = None if song_ids is None else list(song_ids)
    if ids is None or ids:
        transaction.on_commit(partial(labels_changed.send, sender=Song, song_ids=ids))


def labels_by_name(names: Mapping[str, str]) -> dict[str, Label]:
    """The labels of these names, by name; new ones are made, aliases lead to their label.

    A name that differs from that of a label only in number becomes an alias of it: `guitars` is `guitar`.

    Parameters
    ----------
    names : mapping of name to kind
        The kind (`Label.Kind`) counts for labels that are new, or of kind `other` so far.
    """
    keys = {name: label_key(name) for name in names}
    found = labels_by_key(keys.values())
    unknown = {key: name for name, key in keys.items() if key not in found}
    joined = _joined_by_number(unknown, found)
    new = {key: Label(name=name, key=key, kind=names[name]) for key, name in unknown.items() if key not in joined}
    if new:
        background = {label_key(name) for source in background_sources for name in source()}
        for key, label in new.items():
            label.background = key in background
        Label.objects.bulk_create(new.values(), ignore_conflicts=True)
        found |= Label.objects.in_bulk(set(new), field_name="key")
    if joined:
        aliases = [LabelAlias(label=found[to], name=unknown[key], key=key) for key, to in joined.items()]
        LabelAlias.objects.bulk_create(aliases, ignore_conflicts=True)
        found |= {key: found[to] for key, to in joined.items()}
    vague = {
        found[key].pk: names[name] for name, key in keys.items() if found[key].kind == Label.Kind.OTHER != names[name]
    }
    for pk, kind in vague.items():
        Label.objects.filter(pk=pk, kind=Label.Kind.OTHER).update(kind=kind)
    return {name: found[key] for name, key in keys.items()}


def _joined_by_number(unknown: Mapping[str, str], found: dict[str, Label]) -> dict[str, str]:
    """The keys of those names without a label that have one in the other number, or come with it: to whose key.

    The labels that they have are added to `found`.
    """
    others = {key: other for key in unknown if (other := other_number(key))}
    found |= labels_by_key(set(others.values()) - set(found)) if others else {}
    joined = {key: other for key, other in others.items() if other in found}
    for key, other in others.items():
        # Of two that are new the shorter one, the singular, is made.
        if other in unknown and other not in joined and key not in joined and len(other) < len(key):
            joined[key] = other
    return joined


@transaction.atomic
def store_cnn_labels(
    song: Song,
    tagger: str,
    probabilities: Mapping[str, float],
    kinds: Mapping[str, str],
    in_place_of: Collection[str] = (),
) -> None:
    """Replace the labels that a tagger gave a song before; annotations of curators stay.

    Parameters
    ----------
    probabilities : mapping of label name to probability
        Only the labels that are to be kept.
    kinds : mapping of label name to `Label.Kind`
    in_place_of : collection of str
        Other taggers whose labels it replaces.
    """
    store_cnn_labels_of_songs({song.pk: probabilities}, tagger, kinds, in_place_of)


@transaction.atomic
def store_cnn_labels_of_songs(
    probabilities: Mapping[int, Mapping[str, float]],
    tagger: str,
    kinds: Mapping[str, str],
    in_place_of: Collection[str] = (),
) -> None:
    """Do what `store_cnn_labels` does for some hundreds of songs at once.

    Parameters
    ----------
    probabilities : mapping of a song's primary key to a mapping of label name to probability
    """
    names = {name for of_song in probabilities.values() for name in of_song}
    labels = labels_by_name({name: kinds[name] for name in sorted(names)})
    weights: dict[tuple[int, int], float] = {}
    for song_id, of_song in probabilities.items():
        for name, probability in of_song.items():
            pair = song_id, labels[name].pk
            weights[pair] = max(float(probability), weights.get(pair, 0.0))
    SongLabel.objects.filter(
        song__in=probabilities, source=SongLabel.Source.CNN, origin__in={tagger, *in_place_of}
    ).delete()
    SongLabel.objects.bulk_create(
        SongLabel(song_id=song_id, label_id=label_id, source=SongLabel.Source.CNN, origin=tagger, weight=weight)
        for (song_id, label_id), weight in weights.items()
    )
    announce_labels_changed(probabilities)


@transaction.atomic
def store_file_genres(genres: Mapping[int, Collection[str]]) -> set[int]:
    """Take the genres in songs' files for imported labels, in the place of those that the files held before.

    Parameters
    ----------
    genres : mapping of a song's primary key to label names

    Returns
    -------
    set of int
        The songs that have other labels now.
    """
    names = {name for of_song in genres.values() for name in of_song}
    labels = labels_by_name(dict.fromkeys(sorted(names), str(Label.Kind.GENRE))) if names else {}
    wanted = {(song_id, labels[name].pk) for song_id, of_song in genres.items() for name in of_song}
    annotations = SongLabel.objects.filter(song__in=genres, source=SongLabel.Source.IMPORT, origin="file")
    there = {(song_id, label_id): pk for pk, song_id, label_id in annotations.values_list("pk", "song_id", "label_id")}
    SongLabel.objects.filter(pk__in=[pk for pair, pk in there.items() if pair not in wanted]).delete()
    SongLabel.objects.bulk_create(
        SongLabel(song_id=song_id, label_id=label_id, source=SongLabel.Source.IMPORT, origin="file", weight=1.0)
        for song_id, label_id in sorted(wanted - set(there))
    )
    changed = {song_id for song_id, _ in wanted ^ set(there)}
    announce_labels_changed(changed)
    return changed


def curator_name(curator: User) -> str:
    """The origin of a curator's annotations."""
    return curator.get_username()[:60]


def curate(song: Song, label: Label, verdict: bool | None, curator: User) -> None:
    """Store a curator's yes or no to a label of a song; None deletes an earlier one. It is logged."""
    kind, wording = VERDICTS[verdict]
    curate_songs([song.pk], label, verdict, curator, kind, f"{label} {wording} {song}")


def curate_named(song: Song, name: str, kind: str, curator: User) -> Label:
    """Store a curator's yes to a label by its name or alias, which may be new. It is logged as one.

    Raises
    ------
    ValueError
        If nothing is left of the name.
    """
    with log.recorded(log.Kind.KEPT, curator, f"{name} kept on {song}", log.label_named(name)):
        label = labels_by_name({name: kind})[name]
        curate(song, label, True, curator)
    return label


@transaction.atomic
def curate_songs(
    song_ids: Collection[int], label: Label, verdict: bool | None, curator: User, kind: str, summary: str
) -> None:
    """Store a curator's yes or no to a label of many songs at once, as one entry of the log.

    What listeners doubted about it is settled, and it waits for a curator no longer.

    Parameters
    ----------
    song_ids : collection of int
        Some thousands at most.
    verdict : bool or None
        None takes earlier words back.
    kind, summary : str
        What the log says: a `CurationAction.Kind`, and in words.
    """
    # Locked, so that of two curators who decide on one label at once the second finds the first one's annotation.
    songs = list(Song.objects.select_for_update().filter(pk__in=song_ids).order_by("pk").values_list("pk", flat=True))
    with log.recorded(kind, curator, summary, *log.annotations_on(songs, [label.pk])):
        annotations = SongLabel.objects.filter(song__in=songs, label=label, source=SongLabel.Source.CURATOR)
        if verdict is None:
            annotations.delete()
        else:
            weight = 1.0 if verdict else -1.0
            annotations.exclude(weight=weight).update(weight=weight, origin=curator_name(curator))
            spoken = set(annotations.values_list("song_id", flat=True))
            SongLabel.objects.bulk_create(
                SongLabel(
                    song_id=pk,
                    label=label,
                    source=SongLabel.Source.CURATOR,
                    origin=curator_name(curator),
                    weight=weight,
                )
                for pk in songs
                if pk not in spoken
            )
            doubts = LabelDoubt.objects.filter(song__in=songs, label=label, settled_at=None)
            doubts.update(settled_at=timezone.now())
            CurationItem.objects.filter(song__in=songs, label=label).delete()
        announce_labels_changed(songs)


def merge_labels(labels: Iterable[Label], into: Label, curator: User | None = None) -> None:
    """Make several labels one: their songs, nudges, names and aliases go over to `into`. It is logged.

    Where a source has annotated a song with both, the larger weight stays, and a curator's
    annotation with `into` wins over one with a merged label.
    """
    merged = [label for label in labels if label.pk != into.pk]
    names = ", ".join(label.name for label in merged)
    gone = [label.pk for label in merged]
    with log.recorded(log.Kind.MERGED, curator, f"{names}: now {into}", *log.everything_of(gone, into.pk)):
        touched = set(SongLabel.objects.filter(label__in=merged).values_list("song_id", flat=True))
        for label in merged:
            _move_annotations(label, into)
            _move_assignments(label, into)
            nudged = into.nudges.values("user")
            label.nudges.exclude(user__in=nudged).update(label=into)
            doubted = LabelDoubt.objects.filter(label=into, song=OuterRef("song"), user=OuterRef("user"))
            label.doubts.exclude(Exists(doubted)).update(label=into)
            label.aliases.update(label=into)
            name, _ = label.name, label.delete()
            LabelAlias.objects.create(label=into, name=name)
        announce_labels_changed(touched)


def _move_annotations(label: Label, into: Label) -> None:
    """Move the annotations with a label to another; of two by one source the larger weight stays."""
    annotations, there = SongLabel.objects.filter(label=label), same_annotation(into)
    stronger = []
    for annotation in annotations.filter(Exists(there)).exclude(source=SongLabel.Source.CURATOR):
        stronger.append((annotation.song_id, annotation.source, annotation.origin, annotation.weight))
    of_into = SongLabel.objects.filter(label=into, song__in=annotations.values("song"))
    same = (
        {(annotation.song_id, annotation.source, annotation.origin): annotation for annotation in of_into}
        if stronger
        else {}
    )
    changed = []
    for *place, weight in stronger:
        if weight > (annotation := same[tuple(place)]).weight:  # type: ignore[index]
            annotation.weight = weight
            changed.append(annotation)
    SongLabel.objects.bulk_update(changed, ["weight"], batch_size=500)
    annotations.filter(~Exists(there)).update(label=into)


def same_annotation(into: Label) -> QuerySet[SongLabel]:
    """For an annotation with another label: that with `into` of the same song and source; all curators count as one."""
    same_source = Q(source=SongLabel.Source.CURATOR) | Q(origin=OuterRef("origin"))
    return SongLabel.objects.filter(same_source, label=into, song=OuterRef("song"), source=OuterRef("source"))


def _move_assignments(label: Label, into: Label) -> None:
    """Let what people gave a label to be what they gave another to, each of them once."""
    given = label.assignments.values_list("song_id", "user_id")
    store_rows(
        LabelAssignment,
        ["song", "label", "user"],
        [(song, into.pk, user) for song, user in given],
        unique=["song", "label", "user"],
    )


def rename_label(label: Label, name: str, curator: User | None = None) -> None:
    """Give a label another name. The old one stays as an alias: taggers and imports go on to use it. It is logged.

    Raises
    ------
    ValueError
        If another label has that name, or an alias of another.
    """
    key = label_key(name)
    if Label.objects.filter(key=key).exclude(pk=label.pk).exists():
        raise ValueError(f"There is a label {name} already: merge the two.")
    if LabelAlias.objects.filter(key=key).exclude(label=label).exists():
        raise ValueError(f"{name} is an alias of another label.")
    old_name, old_key = label.name, label.key
    with log.recorded(log.Kind.CHANGED, curator, f"{old_name} renamed to {name}", *log.label_itself(label.pk)):
        label.name = name
        label.save(update_fields=["name"])
        if old_key != key:
            label.aliases.filter(key=key).delete()
            LabelAlias.objects.create(label=label, name=old_name)
        announce_labels_changed(label.song_labels.values_list("song_id", flat=True).distinct())


def delete_labels(labels: Iterable[Label], curator: User | None = None) -> None:
    """Delete labels with all rows that refer to them. It is logged with all that undoing needs."""
    doomed = {label.pk: label.name for label in labels}
    names = ", ".join(sorted(doomed.values()))
    with log.recorded(log.Kind.DELETED, curator, f"{names}: deleted", *log.everything_of(doomed)):
        songs = set(SongLabel.objects.filter(label__in=doomed).values_list("song_id", flat=True))
        Label.objects.filter(pk__in=doomed).delete()
        announce_labels_changed(songs)
