import dataclasses
from pathlib import Path

import numpy as np
import pytest

from avalanche_seg.datasets import Split, mask_scan
from avalanche_seg.datasets.mask_values import MaskValues
from tests.datasets.ants import MASKS, small_split


@pytest.fixture
def samples(tmp_path: Path) -> Split:
    return small_split(tmp_path)


def test_progress_bar(samples: Split, capsys: pytest.CaptureFixture[str]) -> None:
    mask_scan.scan(samples, values=MaskValues(21), progress=False)
    assert capsys.readouterr().err == ""
    mask_scan.scan(samples, values=MaskValues(21))
    assert "mask statistics of kit/train" in capsys.readouterr().err


@pytest.mark.parametrize("threads", [1, 3])
def test_any_number_of_threads_names_the_first_bad_file(
    samples: Split, monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    monkeypatch.setattr(mask_scan, "_PART", 1)
    counts = mask_scan.scan(samples, values=MaskValues(4), progress=False, threads=threads).counts
    np.testing.assert_array_equal(
        MaskValues(4).counts_by_id(counts),
        np.array([np.bincount(np.ravel(mask), minlength=256) for mask in MASKS.values()]),
    )
    good = samples
    samples = dataclasses.replace(samples, masks=(*samples.masks[:2], samples.root / "none.png"))
    for part, together in [(1, 1), (16, 1), (16, 9), (16, 1000)]:
        monkeypatch.setattr(mask_scan, "_PART", part)
        monkeypatch.setattr(mask_scan, "_TOGETHER", together)
        again = mask_scan.scan(good, values=MaskValues(4), progress=False, threads=threads).counts
        for found, expected in zip(again, counts, strict=True):
            np.testing.assert_array_equal(found, expected)
        with pytest.raises(ValueError, match=r"b\.png: value 3 is no class"):
            mask_scan.scan(samples, values=MaskValues(3), progress=False, threads=threads)
