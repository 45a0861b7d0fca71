from pathlib import Path

import numpy as np
import pytest

from catalog.importing.tables import UnreadableTable
from tagging.frontend.mel_bands import N_MELS
from tagging.training.dataset import Dataset, VocabularyLabel, keep_artists_out, make_dataset
from tagging.training.sources import Annotation, Collection, add_folders, add_table, keep_out
from tagging.training.spectrograms import Spectrograms


class Bench:
    """A collection of files whose spectrograms are stored already, so that no audio is decoded."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.complaints: list[str] = []
        self.collection = Collection(self.complaints.append)
        self.spectrograms = Spectrograms(folder / "spectrograms")

    def file(self, name: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
        return path

    def files(self, n: int = 12, artist: bool = True) -> list[int]:
        """Recordings by as many artists."""
        names = [f"{number:02d}.mp3" for number in range(n)]
        added = [self.collection.add_file(self.file(name), f"Artist {name}" if artist else "") for name in names]
        return [number for number in added if number is not None]

    def table(self, text: str, name: str = "labels.csv") -> Path:
        path = self.folder / name
        path.write_text(text)
        return path

    def dataset(self, taught: tuple[VocabularyLabel, ...] = (), **tagged: str) -> Dataset:
        for key in self.collection.keys():  # noqa: SIM118
            name = Path(key.split(":")[0]).stem
            self.spectrograms.append(key, np.zeros((64, N_MELS), np.float16), tagged.get(f"artist_{name}", ""))
        return make_dataset(self.collection, self.spectrograms, taught, {"jazz": "genre"}, self.folder, seed=1)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def targets_of(dataset: Dataset, row: int) -> dict[str, float]:
    """The targets of a recording, by label."""
    return {label.name: float(dataset.targets[row, column]) for column, label in enumerate(dataset.labels)}


def test_a_table_has_a_label_a_line_or_several_and_its_bad_lines_are_named(bench: Bench) -> None:
    for number in range(12):
        bench.file(f"{number:02d}.mp3")
    lines = [f"{number:02d}.mp3,Jazz|piano,Artist {number}" for number in range(12)]
    table = bench.table("\n".join(["file,labels,artist", *lines, "gone.mp3,Jazz,Nobody", "00.mp3,,Nobody", "x"]))

    add_table(bench.collection, table)

    dataset = bench.dataset()
    assert [(label.name, label.kind) for label in dataset.labels] == [("Jazz", "genre"), ("piano", "other")]
    assert len(dataset.places) == 12
    assert [line.split(": ", 1)[1] for line in bench.complaints] == [
        "no such file or directory",
        "no label",
        "1 columns, and 3 in the header",
    ]


def test_weights_are_summed_and_say_how_certain_a_label_is_and_0_denies_it(bench: Bench) -> None:
    bench.files()
    rows = [f"{n:02d}.mp3,{label},{w}" for n in range(12) for label, w in (("rock", 3), ("rock", 1), ("live", 1))]
    table = bench.table("\n".join(["file,label,weight", *rows, "00.mp3,sad,0", "01.mp3,sad,2", "02.mp3,sad,2"]))
    add_table(bench.collection, table)
    add_table(bench.collection, bench.table("file,label\n03.mp3,sad\n", "more.csv"))

    dataset = bench.dataset()

    assert targets_of(dataset, 4) == {"rock": 1.0, "live": 0.25, "sad": 0.0}
    assert targets_of(dataset, 0)["sad"] == 0.0
    assert targets_of(dataset, 3)["sad"] == 1.0


def test_what_a_source_does_not_know_it_does_not_deny(bench: Bench) -> None:
    recordings = bench.files()
    one, other = bench.collection.origin(), bench.collection.origin()
    for number in recordings[:6]:
        bench.collection.annotate(number, Annotation("jazz"), one)
    for number in recordings[6:]:
        bench.collection.annotate(number, Annotation("sad"), other)
    for number in recordings[:4]:
        bench.collection.annotate(number, Annotation("loud"))
    bench.collection.annotate(recordings[0], Annotation("jazz", weight=-1.0))

    dataset = bench.dataset()

    assert targets_of(dataset, 0) == {"jazz": 0.0, "sad": pytest.approx(float("nan"), nan_ok=True), "loud": 1.0}
    assert np.isnan(
        [targets_of(dataset, 5)["sad"], targets_of(dataset, 5)["loud"], targets_of(dataset, 8)["jazz"]]
    ).all()
    assert targets_of(dataset, 8)["sad"] == 1.0


def test_teachers_labels_come_first_and_a_word_that_people_use_too_is_one_label(bench: Bench) -> None:
    for number in bench.files():
        for name in ("Hip Hop", "banjo"):
            bench.collection.annotate(number, Annotation(name), 1)

    dataset = bench.dataset((VocabularyLabel("sad", "sad", "mood"), VocabularyLabel("hip hop", "Hip-Hop", "genre")))

    assert [label.name for label in dataset.labels] == ["sad", "Hip-Hop", "banjo"]
    assert targets_of(dataset, 0)["Hip-Hop"] == 1.0


def test_a_label_of_two_recordings_is_not_learned(bench: Bench) -> None:
    recordings = bench.files()
    for number in recordings:
        bench.collection.annotate(number, Annotation("jazz" if number % 2 else "rock"), 1)
    for number in recordings[:2]:
        bench.collection.annotate(number, Annotation("theremin"), 1)

    assert {label.name for label in bench.dataset().labels} == {"jazz", "rock"}


def test_an_artist_is_never_on_both_sides(bench: Bench) -> None:
    artists = np.random.default_rng(1).integers(0, 30, 400)
    eligible = np.random.default_rng(2).random(400) < 0.5

    out = keep_artists_out(artists, eligible, seed=3)

    assert not set(artists[out]) & set(artists[~out])
    assert 0.05 < eligible[out].sum() / eligible.sum() <= 0.15


def test_of_a_large_collection_a_thousand_recordings_are_kept_out_at_most() -> None:
    artists = np.arange(50_000) // 7

    out = keep_artists_out(artists, np.ones(50_000, bool), seed=1)

    assert 980 <= out.sum() <= 1000


def test_who_a_recording_is_by_is_said_by_the_source_else_by_tags_else_by_its_folder(bench: Bench) -> None:
    names = ["a/1.mp3", "a/2.mp3", "b/3.mp3", "b/4.mp3", *(f"c/{n}.mp3" for n in range(5, 13))]
    for place, name in enumerate(names):
        number = bench.collection.add_file(bench.file(name), "The Same" if place == 1 else "")
        assert number is not None
        bench.collection.annotate(number, Annotation("jazz" if place % 2 else "rock"), 1)
    bench.dataset(artist_1="Same")

    found = dict(bench.collection.rows.execute("SELECT name, artist FROM recordings"))

    assert found[str(bench.folder / "a/1.mp3")] == found[str(bench.folder / "a/2.mp3")] == "same"
    assert found[str(bench.folder / "b/3.mp3")] == f"folder {bench.folder / 'b'}"


def test_one_artist_alone_is_refused(bench: Bench) -> None:
    for number in bench.files(artist=False):
        bench.collection.annotate(number, Annotation("jazz"), 1)

    with pytest.raises(ValueError, match="by one artist"):
        bench.dataset()


def test_too_few_recordings_are_refused(bench: Bench) -> None:
    for number in bench.files(9):
        bench.collection.annotate(number, Annotation("jazz"), 1)

    with pytest.raises(ValueError, match="9 recordings with labels can be read: 10 are the least"):
        bench.dataset()


def test_recordings_without_a_label_are_refused(bench: Bench) -> None:
    bench.files()

    with pytest.raises(ValueError, match="there are no labels"):
        bench.dataset()


def test_named_recordings_are_kept_out_and_no_others(bench: Bench) -> None:
    for number in bench.files():
        bench.collection.annotate(number, Annotation("jazz"), 1)
    keep_out(bench.collection, [bench.folder / "03.mp3", bench.folder / "07.mp3"])

    dataset = bench.dataset()

    assert np.flatnonzero(dataset.kept_out).tolist() == np.flatnonzero(~dataset.training).tolist() == [3, 7]


def test_keeping_out_what_is_not_there_is_refused(bench: Bench) -> None:
    bench.files(3)

    with pytest.raises(ValueError, match="no such folder or file"):
        keep_out(bench.collection, [bench.folder / "gone"])
    with pytest.raises(ValueError, match="None of the recordings"):
        keep_out(bench.collection, [bench.file("elsewhere/1.mp3")])


def test_folders_are_looked_through_and_what_is_no_audio_is_passed_over(bench: Bench) -> None:
    bench.file("deep/er/song.flac")
    bench.file("deep/notes.txt")

    add_folders(bench.collection, [bench.folder / "deep"])

    assert len(bench.collection) == 1


def test_a_table_without_files_or_labels_is_refused(bench: Bench) -> None:
    with pytest.raises(UnreadableTable, match="wanted file"):
        add_table(bench.collection, bench.table("song,label\n1,jazz\n"))
    with pytest.raises(UnreadableTable, match="lacks a column: label"):
        add_table(bench.collection, bench.table("file,weight\n1.mp3,2\n"))
