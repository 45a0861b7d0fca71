from pathlib import Path

import numpy as np
import pytest

from mood.emotions import EMOTIONS
from mood.training.dataset import (
    faceless,
    has_near_copy,
    has_split,
    kept_out_tenth,
    read_split,
    same_pictures,
    vote_shares,
)
from tests.mood.faces import CLASSES, write_faces


def test_a_split_is_read_with_its_labels(tmp_path: Path) -> None:
    faces = read_split(write_faces(tmp_path / "faces.npz"), "validation")

    assert faces.images.shape == (35, 48, 48)
    assert faces.labels.tolist() == [n % 7 for n in range(35)]


def test_labels_follow_the_files_own_order_of_classes(tmp_path: Path) -> None:
    faces = read_split(write_faces(tmp_path / "faces.npz", classes=CLASSES[::-1]), "train")

    assert faces.labels[:7].tolist() == [6, 5, 4, 3, 2, 1, 0]


def test_votes_are_read_where_the_file_has_them(tmp_path: Path) -> None:
    without = read_split(write_faces(tmp_path / "without.npz"), "train")
    voted = read_split(write_faces(tmp_path / "voted.npz", voted=True), "train")

    assert without.votes is None
    assert voted.votes is not None
    assert voted.votes.shape == (140, 10)
    assert voted.at(np.array([3])).votes.sum() == 10  # type: ignore[union-attr]


def test_a_file_says_which_splits_it_has(tmp_path: Path) -> None:
    file = write_faces(tmp_path / "faces.npz")

    assert has_split(file, "train")
    assert not has_split(file, "test")


def test_an_unknown_split_is_refused_and_the_known_ones_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no test_images.*train, validation"):
        read_split(write_faces(tmp_path / "faces.npz"), "test")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"train_images": np.zeros((4, 32, 32), np.uint8)}, "48, 48"),
        ({"train_images": np.zeros((4, 48, 48), np.float32)}, "uint8"),
        ({"train_labels": np.zeros(3, np.uint8)}, "one integer a picture"),
        ({"train_labels": np.full(4, 9, np.uint8)}, "indices"),
        ({"train_votes": np.zeros((4, 8), np.uint8)}, r"shape \(n, 10\)"),
        ({"train_votes": np.zeros((3, 10), np.uint8)}, r"shape \(n, 10\)"),
        ({"train_votes": np.zeros((4, 10))}, "uint8"),
        ({"classes": np.array(["happy", "sad"])}, "happy, sad"),
    ],
)
def test_arrays_of_another_kind_are_refused(tmp_path: Path, changed: dict[str, np.ndarray], message: str) -> None:
    arrays = {
        "train_images": np.zeros((4, 48, 48), np.uint8),
        "train_labels": np.zeros(4, np.uint8),
        "classes": np.array(CLASSES),
    }
    np.savez(tmp_path / "faces.npz", **(arrays | changed))  # type: ignore[arg-type]

    with pytest.raises(ValueError, match=message):
        read_split(tmp_path / "faces.npz", "train")


@pytest.mark.parametrize("content", [b"", b"no arrays at all", b"PK\x03\x04 half a zip"])
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "faces.npz").write_bytes(content)

    with pytest.raises(ValueError, match="cannot be read"):
        read_split(tmp_path / "faces.npz", "train")


def test_recompressed_and_mirrored_copies_are_one_picture() -> None:
    random = np.random.default_rng(0)
    faces = random.integers(0, 256, (6, 48, 48)).astype(np.uint8)
    copy = np.clip(faces[0].astype(int) + random.integers(-6, 7, (48, 48)), 0, 255).astype(np.uint8)

    groups = same_pictures(np.concatenate([faces, copy[None], faces[1][None, :, ::-1]]))

    assert groups[6] == groups[0]
    assert groups[7] == groups[1]
    assert len(set(groups.tolist())) == 6


def test_faces_with_a_near_copy_among_others_are_found() -> None:
    random = np.random.default_rng(0)
    others = random.integers(0, 256, (30, 48, 48)).astype(np.uint8)
    dimmed = (others[4] * 0.7 + 20).astype(np.uint8)
    new = random.integers(0, 256, (48, 48)).astype(np.uint8)

    found = has_near_copy(np.stack([new, dimmed, others[9][:, ::-1]]), others)

    assert found.tolist() == [False, True, True]


def test_votes_are_shared_in_the_order_of_the_emotions() -> None:
    votes = np.array([[6, 0, 0, 2, 0, 0, 0, 1, 1, 0]], np.uint8)

    (shares,) = vote_shares(votes, np.array([0]))

    assert dict(zip(EMOTIONS, shares.tolist(), strict=True)) == pytest.approx(
        dict.fromkeys(EMOTIONS, 0.0) | {"neutral": 0.75, "sad": 0.25}
    )


def test_copies_of_a_picture_share_their_votes() -> None:
    votes = np.zeros((3, 10), np.uint8)
    votes[0, 1] = votes[1, 2] = votes[2, 4] = 10

    shares = vote_shares(votes, np.array([0, 1, 0]))

    np.testing.assert_array_equal(shares[0], shares[2])
    assert shares[0, [EMOTIONS.index("happy"), EMOTIONS.index("angry")]].tolist() == [0.5, 0.5]
    assert shares[1, EMOTIONS.index("surprise")] == 1


def test_a_picture_in_which_nobody_saw_an_emotion_has_no_shares() -> None:
    assert vote_shares(np.array([[0, 0, 0, 0, 0, 0, 0, 3, 2, 5]], np.uint8), np.array([0])).sum() == 0


def test_half_of_the_votes_make_a_picture_faceless() -> None:
    votes = np.zeros((3, 10), np.uint8)
    votes[:, 9] = [4, 5, 10]

    assert faceless(votes).tolist() == [False, True, True]


def test_a_tenth_of_every_class_is_kept_out_and_no_group_is_on_both_sides() -> None:
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(7), 200)
    groups = random.integers(0, 900, 1400) + labels * 1000

    training, kept_out = kept_out_tenth(labels, groups, seed=1)

    assert sorted([*training, *kept_out]) == list(range(1400))
    assert not set(groups[training]) & set(groups[kept_out])
    assert np.bincount(labels[kept_out]).tolist() == pytest.approx([20] * 7, abs=2)


def test_the_same_seed_keeps_the_same_tenth_out() -> None:
    labels = np.arange(300) % 7

    first, second = (kept_out_tenth(labels, np.arange(300), seed=4)[1] for _ in range(2))

    np.testing.assert_array_equal(first, second)
