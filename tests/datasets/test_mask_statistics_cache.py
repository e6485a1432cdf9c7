import re
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from avalanche_seg.datasets import Split, mask_statistics
from tests.devkits import write_image, write_mask


@pytest.fixture
def samples(tmp_path: Path) -> Split:
    images = tuple(write_image(tmp_path / f"{i}.jpg", (1, 2)) for i in range(2))
    masks = tuple(write_mask(tmp_path / f"{i}.png", [[i, 255]]) for i in range(2))
    return Split(tmp_path, "train", images, masks)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AVALANCHE_SEG_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def _counts(samples: Split) -> list[list[int]]:
    counts = mask_statistics(samples, n_values=3, progress=False).counts
    return counts[:, [0, 1, 2, 255]].tolist()


EXPECTED = [[1, 0, 0, 1], [0, 1, 0, 1]]


def _npy(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, np.zeros((2, 256)))


DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_bytes(b"no archive\n" * 9),
    "half": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "no end": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "other key": lambda path: np.savez(path, tables=np.zeros((2, 256))),
    "objects": lambda path: np.savez(path, counts=np.array([{}, None], dtype=object)),
    "no archive": _npy,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_rebuilt(samples: Split, cache: Path, damage: str) -> None:
    _counts(samples)
    (path,) = cache.iterdir()
    DAMAGES[damage](path)
    with pytest.warns(
        UserWarning, match=rf"{re.escape(str(path))} is damaged .*; scanning the masks again"
    ):
        assert _counts(samples) == EXPECTED
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert _counts(samples) == EXPECTED


def test_no_flipped_bit_is_an_error_or_a_wrong_count(samples: Split, cache: Path) -> None:
    _counts(samples)
    (path,) = cache.iterdir()
    good = path.read_bytes()
    for position in range(0, len(good), 2):
        bad = bytearray(good)
        bad[position] ^= 1 << position // 2 % 8
        path.write_bytes(bad)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert _counts(samples) == EXPECTED, position


def test_a_table_of_another_shape_is_rebuilt(samples: Split, cache: Path) -> None:
    _counts(samples)
    (path,) = cache.iterdir()
    with np.load(path) as stored:
        tables = dict(stored)
    np.savez_compressed(path, **{**tables, "counts": np.ones((3, 256), dtype=np.int64)})
    assert _counts(samples) == EXPECTED


@pytest.mark.parametrize("name", ["file/below", "x" * 300], ids=["below a file", "name too long"])
def test_a_folder_that_cannot_be_used_is_no_error(
    samples: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / "file").write_text("a regular file\n")
    monkeypatch.setenv("AVALANCHE_SEG_CACHE", str(tmp_path / name))
    message = rf"not cached in {re.escape(str(tmp_path / name))} .*AVALANCHE_SEG_CACHE"
    for _ in range(2):
        with pytest.warns(UserWarning, match=message):
            assert _counts(samples) == EXPECTED
    assert (tmp_path / "file").read_text() == "a regular file\n"


def _write_half(error: BaseException) -> Callable[..., None]:
    def write(file: object, **arrays: object) -> None:
        file.write(b"half")  # type: ignore[attr-defined]
        raise error

    return write


def test_writing_is_atomic(samples: Split, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(np, "savez_compressed", _write_half(OSError("disk full")))
    with pytest.warns(UserWarning, match="disk full"):
        assert _counts(samples) == EXPECTED
    assert list(cache.iterdir()) == []


def test_the_file_appears_whole_or_not_at_all(
    samples: Split, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Path, target: Path) -> None:
        raise OSError("no rename")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.warns(UserWarning, match="no rename"):
        assert _counts(samples) == EXPECTED
    assert list(cache.iterdir()) == []


def test_an_interruption_leaves_nothing_behind(
    samples: Split, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(np, "savez_compressed", _write_half(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        _counts(samples)
    assert list(cache.iterdir()) == []
