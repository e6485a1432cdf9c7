from pathlib import Path

import numpy as np
import pytest

from avalanche_seg.datasets.cache_file import ENTRY, is_finished, sample_ends, write
from tests.datasets.ants import small_split


@pytest.mark.parametrize("n_extras", [0, 2])
def test_samples_follow_the_table(n_extras: int) -> None:
    ends = sample_ends(np.array([6, 1]), n_extras)
    assert ends.tolist() == [28, 28 + 6 * (4 + n_extras), 28 + 7 * (4 + n_extras)]


def test_the_table_is_that_of_the_samples(tmp_path: Path) -> None:
    split, path = small_split(tmp_path), tmp_path / "a.pixels"
    ends = sample_ends(np.array([6, 6, 1]), 0)
    assert not is_finished(path, ends)
    write(path, split, ends, progress=False)
    assert is_finished(path, ends)
    assert not is_finished(path, ends + 1)
    table = np.fromfile(path, ENTRY, count=3)
    assert table[["height", "width"]].tolist() == [(2, 3), (3, 2), (1, 1)]
    assert path.stat().st_size == ends[-1]
