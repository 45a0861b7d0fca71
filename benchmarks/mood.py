"""How well and how fast faces are found and read, from photograph to emotion.

    python benchmarks/mood.py --photos DIR [--format table|json]

DIR holds photographs and `labels.csv` (file, emotion), as `../shared/data/faces/photos` does. What each step of
cropping a face gains is measured on the same photographs. False alarms are counted on pictures without a face that are
drawn here; times are those of one core, for pictures of 2 megapixels.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from benchmarks.requirements import file, require  # noqa: E402
from mood.emotions import EMOTIONS  # noqa: E402
from mood.evaluation import recall, score_probabilities  # noqa: E402
from mood.face import eye_tilt, find_faces  # noqa: E402
from mood.network import emotion_probabilities  # noqa: E402
from mood.picture import read_picture  # noqa: E402
from mood.reading import (  # noqa: E402
    AS_FER_2013,
    Cropping,
    as_in_photographs,
    crop_face,
    read_photograph,
    shipped_network,
)
from tests.mood.pictures import faceless_pictures, portrait  # noqa: E402

HAPPY = EMOTIONS.index("happy")
FACELESS = 400
READINGS = 20


# What faces are common enough for, in what people send; of fear and disgust the photographs have too few.
COMMON = ("happy", "neutral", "surprise", "sad", "angry")

# How a face is cut out, and whether it is turned upright: each step with those before it. With the last and
# `RARE_FEAR` it is as `read_photograph` does it.
STEPS = {
    "the cascade's box as it is": (Cropping(per_box=1.0, resampling=Image.Resampling.BICUBIC), False),
    "as much of the head as FER-2013": (Cropping(resampling=Image.Resampling.BICUBIC), False),
    "as sharp as FER-2013": (AS_FER_2013, False),
    "eyes level": (AS_FER_2013, True),
}
RARE_FEAR = "fear as rare as in photographs"


def read_photographs(folder: Path) -> dict[str, Any]:
    """How many photographs' largest face is found, and how often its likeliest emotion is the labelled one."""
    with (folder / "labels.csv").open(newline="") as file:
        labelled = [(row["file"], EMOTIONS.index(row["emotion"])) for row in csv.DictReader(file)]
    labels: list[int] = []
    crops: dict[str, list[NDArray[np.uint8]]] = {step: [] for step in STEPS}
    tilted = 0
    for name, label in tqdm(labelled, "photographs"):
        picture = read_picture((folder / name).read_bytes())
        if boxes := find_faces(picture.grey):
            labels.append(label)
            tilt = eye_tilt(picture.grey, boxes[0])
            tilted += tilt != 0
            for step, (cropping, upright) in STEPS.items():
                crops[step].append(crop_face(picture.grey, boxes[0], tilt if upright else 0.0, cropping))
    found = {step: emotion_probabilities(shipped_network(), np.stack(faces)) for step, faces in crops.items()}
    found[RARE_FEAR] = as_in_photographs(found["eyes level"])
    scored = {step: score_probabilities(probabilities, np.array(labels)) for step, probabilities in found.items()}
    scores = scored[RARE_FEAR]
    right = int(np.trace(scores.confusion))
    return {
        "photographs": len(labelled),
        "faces_found": len(labels) / len(labelled),
        "turned_upright": tilted / len(labels),
        "accuracy_where_found": right / len(labels),
        "accuracy_of_all": right / len(labelled),
        "macro_f1_where_found": scores.macro_f1,
        "calibration_error": scores.calibration_error,
        "recall": dict(zip(EMOTIONS, recall(scores.confusion).tolist(), strict=True)),
        "mean_recall": mean_recall(scores.confusion),
        "steps": {
            step: {"mean_recall": mean_recall(of_step.confusion), "happy": float(recall(of_step.confusion)[HAPPY])}
            for step, of_step in scored.items()
        },
        "confusion": scores.confusion.tolist(),
    }


def mean_recall(confusion: NDArray[np.int64]) -> float:
    """The mean recall of the common emotions."""
    return float(recall(confusion)[[EMOTIONS.index(emotion) for emotion in COMMON]].mean())


def count_false_alarms() -> dict[str, Any]:
    """How many drawn pictures without a face are said to have one."""
    pictures = tqdm(faceless_pictures(FACELESS, seed=11), "without a face", total=FACELESS)
    alarms = sum(bool(find_faces(np.asarray(picture.convert("L")))) for picture in pictures)
    return {"faceless_pictures": FACELESS, "false_alarms": alarms / FACELESS}


def time_readings() -> dict[str, Any]:
    """Milliseconds from the bytes of a 2-megapixel JPEG to the emotions, on one core: by the clock, and its work."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    random = np.random.default_rng(3)
    with_face = Image.new("RGB", (1632, 1224), (90, 110, 140))
    with_face.paste(portrait(900).convert("RGB"), (350, 200))
    grain = random.normal(0, 6, (1224, 1632, 1))
    without = Image.effect_noise((1632, 1224), 60).convert("RGB")
    pictures = {
        "with_face": Image.fromarray(np.clip(np.asarray(with_face) + grain, 0, 255).astype(np.uint8)),
        "without_face": without,
    }
    figures: dict[str, Any] = {}
    for name, picture in pictures.items():
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=90)
        data = buffer.getvalue()
        read_photograph(data)
        clock, work = [], []
        for _ in range(READINGS):
            started, worked = time.perf_counter(), time.process_time()
            read_photograph(data)
            clock.append(1000 * (time.perf_counter() - started))
            work.append(1000 * (time.process_time() - worked))
        figures[f"ms_{name}"] = statistics.median(clock)
        figures[f"cpu_ms_{name}"] = statistics.median(work)
    return figures


def table(report: dict[str, Any]) -> str:
    """The report for people."""
    lines = [
        f"{report['photographs']} photographs: a face found in {report['faces_found']:.1%}; "
        f"false alarms in {report['false_alarms']:.1%} of {report['faceless_pictures']} pictures without a face",
        f"emotion right in {report['accuracy_where_found']:.1%} of the found faces ({report['accuracy_of_all']:.1%} of "
        f"all photographs), macro F1 {report['macro_f1_where_found']:.3f}, "
        f"calibration error {report['calibration_error']:.1%}",
        f"one reading of 2 megapixels on one core, median of {READINGS}: {report['ms_with_face']:.0f} ms "
        f"({report['cpu_ms_with_face']:.0f} of work) with a face, {report['ms_without_face']:.0f} ms "
        f"({report['cpu_ms_without_face']:.0f}) without",
        "",
        f"mean recall of {', '.join(COMMON)}: {report['mean_recall']:.3f}; {report['turned_upright']:.1%} of the faces "
        "turned upright",
        f"{'step by step':34s} {'recall':>5s} {'gain':>7s}   happy",
        *_steps(report["steps"]),
        "",
        "recall     " + " ".join(name.rjust(8) for name in EMOTIONS) + "   taken for",
    ]
    for name, row in zip(EMOTIONS, report["confusion"], strict=True):
        lines.append(f"{name:10s} " + " ".join(f"{count:8d}" for count in row) + f"   {report['recall'][name]:.1%}")
    return "\n".join(lines)


def _steps(steps: dict[str, dict[str, float]]) -> list[str]:
    lines, before = [], None
    for step, figures in steps.items():
        gain = "" if before is None else f"{figures['mean_recall'] - before:+.3f}"
        before = figures["mean_recall"]
        lines.append(f"  {step:32s} {before:.3f} {gain:>7s}   {figures['happy']:.1%}")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True, metavar="DIR")
    parser.add_argument("--format", choices=["table", "json"], default="table")
    arguments = parser.parse_args()
    require(file(arguments.photos / "labels.csv", "--photos"))
    report = read_photographs(arguments.photos) | count_false_alarms() | time_readings()
    print(json.dumps(report) if arguments.format == "json" else table(report))


if __name__ == "__main__":
    main()
