import io
import json
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from mood.emotions import EMOTIONS
from tests.mood.faces import CLASSES, write_faces
from tests.mood.pictures import portrait


@pytest.fixture
def selfie(tmp_path: Path) -> Path:
    portrait(300).save(tmp_path / "selfie.png")
    return tmp_path / "selfie.png"


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 and no more")
    return tmp_path / "broken.jpg"


def run(*arguments: str) -> tuple[str, str]:
    """What a command prints on standard output and standard error."""
    out, err = io.StringIO(), io.StringIO()
    call_command(*arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_faces_and_emotions_as_json(selfie: Path) -> None:
    (reading,) = json.loads(run("detect_mood", str(selfie), "--format", "json")[0])

    assert reading["file"] == str(selfie)
    (face,) = reading["faces"]
    assert len(face["box"]) == 4
    assert all(isinstance(value, int) for value in face["box"])
    assert set(face["emotions"]) == set(EMOTIONS)
    assert sum(face["emotions"].values()) == pytest.approx(1, abs=1e-5)


def test_a_bad_file_among_good_ones_is_named_and_the_rest_goes_on(selfie: Path, broken: Path) -> None:
    out, err = run("detect_mood", str(broken), str(selfie), "--format", "json")

    bad, good = json.loads(out)
    assert bad.keys() == {"file", "error"}
    assert len(good["faces"]) == 1
    assert str(broken) in err


def test_a_missing_file_is_an_error_like_any_other(selfie: Path, tmp_path: Path) -> None:
    bad, _ = json.loads(run("detect_mood", str(tmp_path / "none.jpg"), str(selfie), "--format", "json")[0])

    assert bad["error"] == "No such file or directory"


def test_nothing_but_bad_files_fails_and_still_prints_the_document(
    broken: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = io.StringIO()

    with pytest.raises(CommandError, match="None of the pictures"):
        call_command("detect_mood", str(broken), "--format", "json", stdout=out, stderr=io.StringIO())

    assert json.loads(out.getvalue())[0]["file"] == str(broken)


def test_the_table_names_the_file_and_the_emotions(selfie: Path) -> None:
    out, _ = run("detect_mood", str(selfie))

    assert f"{selfie}: 1 face" in out
    assert "surprise 0." in out


def test_evaluation_as_json(tmp_path: Path) -> None:
    file = write_faces(tmp_path / "faces.npz")

    report = json.loads(run("evaluate_mood", str(file), "--split", "validation", "--format", "json")[0])

    assert report.keys() >= {"accuracy", "macro_f1", "per_class", "confusion", "n"}
    assert report["n"] == sum(map(sum, report["confusion"])) == 35
    assert set(report["per_class"]) == set(CLASSES)
    assert 0 <= report["accuracy"] <= 1


def test_evaluation_as_a_table(tmp_path: Path) -> None:
    out, _ = run("evaluate_mood", str(write_faces(tmp_path / "faces.npz")), "--split", "validation")

    assert "35 faces: accuracy" in out
    assert all(emotion in out for emotion in EMOTIONS)


def test_faces_with_a_near_copy_in_train_are_counted_apart(tmp_path: Path) -> None:
    with np.load(write_faces(tmp_path / "faces.npz", train=35)) as archive:
        arrays = dict(archive)
    random = np.random.default_rng(1)
    arrays["test_images"] = random.integers(0, 256, (20, 48, 48), dtype=np.uint8)
    arrays["test_images"][:5] = arrays["train_images"][:5]
    arrays["test_labels"] = np.arange(20) % 7
    np.savez(tmp_path / "test.npz", **arrays)

    out, _ = run("evaluate_mood", str(tmp_path / "test.npz"), "--split", "test")
    report = json.loads(run("evaluate_mood", str(tmp_path / "test.npz"), "--split", "test", "--format", "json")[0])

    assert "without the 5 faces that have a near-copy in train: accuracy" in out
    assert report["n"] == 20
    assert report["without_near_copies"]["n"] == 15
    assert 0 <= report["without_near_copies"]["accuracy"] <= 1


@pytest.mark.parametrize("split", ["train", "test"])
def test_without_another_split_to_compare_with_no_faces_are_counted_apart(tmp_path: Path, split: str) -> None:
    with np.load(write_faces(tmp_path / "faces.npz", train=35)) as archive:
        renamed = {name.replace("train", split): array for name, array in archive.items()}
    np.savez(tmp_path / "renamed.npz", **renamed)

    report = json.loads(run("evaluate_mood", str(tmp_path / "renamed.npz"), "--split", split, "--format", "json")[0])

    assert report.keys() == {"accuracy", "macro_f1", "per_class", "confusion", "n"}


def test_reliability_is_drawn_where_it_is_asked_for(tmp_path: Path) -> None:
    drawing = tmp_path / "reliability.svg"

    run("evaluate_mood", str(write_faces(tmp_path / "f.npz")), "--split", "validation", "--reliability", str(drawing))

    assert "35 faces" in drawing.read_text()


def test_a_drawing_that_cannot_be_written_is_said_so(tmp_path: Path) -> None:
    file = str(write_faces(tmp_path / "faces.npz", train=35))

    with pytest.raises(CommandError, match="No such file or directory"):
        run("evaluate_mood", file, "--split", "train", "--reliability", str(tmp_path / "nowhere" / "r.svg"))


def test_evaluating_an_unknown_split_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="train, validation"):
        run("evaluate_mood", str(write_faces(tmp_path / "faces.npz")), "--split", "test")


def test_evaluating_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"none\.npz"):
        run("evaluate_mood", str(tmp_path / "none.npz"), "--split", "test")


def test_training_writes_weights_curves_and_a_report(tmp_path: Path) -> None:
    file = write_faces(tmp_path / "faces.npz")

    out, _ = run("train_mood", str(file), "--epochs", "1", "--output", str(tmp_path / "run"))

    assert "validation accuracy" in out
    written = {path.name for path in (tmp_path / "run").iterdir()}
    assert written == {"checkpoint.pt", "curves.svg", "expression.safetensors", "report.json"}
    weights = str(tmp_path / "run" / "expression.safetensors")
    scored, _ = run("evaluate_mood", str(file), "--split", "validation", "--weights", weights, "--format", "json")
    assert json.loads(scored)["n"] == 35


def test_training_for_no_epoch_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="at least 1"):
        run("train_mood", str(write_faces(tmp_path / "faces.npz")), "--epochs", "0", "--output", str(tmp_path))
