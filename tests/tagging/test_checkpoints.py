"""Checkpoints are read as they were written, and what is none is refused."""

from __future__ import annotations

import numpy as np
import pytest

from tagging.taggers.checkpoints import read_checkpoint
from tests.tagging.checkpoints import write_checkpoint


def tensors() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    shapes = {f"conv2d_{number}/kernel": (3, number + 1, 2) for number in range(12)}
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in {**shapes, "scalar": ()}.items()}


def test_every_tensor_in_single_precision_is_read() -> None:
    written = tensors()
    read = read_checkpoint(*write_checkpoint({**written, "global_step": np.array([7], np.int64)}))
    assert read.keys() == written.keys()
    for name, numbers in written.items():
        assert np.array_equal(read[name], numbers)


def test_what_is_no_checkpoint_is_refused() -> None:
    index, data = write_checkpoint(tensors())
    for broken in (b"", index[:-1], index[:40], bytes(100)):
        with pytest.raises(ValueError, match="no index of a checkpoint"):
            read_checkpoint(broken, data)
    with pytest.raises(ValueError, match="cut off"):
        read_checkpoint(index, data[:-1])


def test_a_compressed_index_is_refused() -> None:
    index, data = write_checkpoint({"a": np.zeros(1, np.float32)})
    # The byte that says so comes after each block, before four of its checksum; the last block ends before the footer.
    compressed = index[:-53] + b"\1" + index[-52:]
    with pytest.raises(ValueError, match="compressed"):
        read_checkpoint(compressed, data)
