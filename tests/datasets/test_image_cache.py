import dataclasses
import pickle
import shutil
import signal
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from avalanche_seg.benchmarks import FolderIncremental
from avalanche_seg.datasets import (
    MaskStatistics,
    Split,
    cache_file,
    image_cache,
    mask_statistics,
    read_folder,
    read_image,
    read_label_map,
)
from avalanche_seg.datasets.cache_folder import cache_folder
from avalanche_seg.datasets.image_cache import ImageCache
from tests.devkits import write_devkit, write_mask
from tests.insects import CLASS_NAMES, MASKS


@pytest.fixture
def kit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A devkit whose images differ in size and hold noise."""
    monkeypatch.setenv("AVALANCHE_SEG_CACHE", str(tmp_path / "cache"))
    root = write_devkit(tmp_path / "kit", MASKS, CLASS_NAMES)
    generator = np.random.default_rng(0)
    for i, mask in enumerate(sorted((root / "SegmentationClass").iterdir())):
        size = (8 + i, 11 + 2 * i)
        values = np.kron(np.asarray(Image.open(mask)), np.ones((9, 9), dtype=np.uint8))
        picture = Image.fromarray(values[: size[0], : size[1]])
        picture.putpalette(list(range(256)) * 3)
        picture.save(mask)
        noise = generator.integers(0, 256, (*picture.size[::-1], 3), dtype=np.uint8)
        Image.fromarray(noise).save(root / "JPEGImages" / f"{mask.stem}.jpg")
    return root


@pytest.fixture
def split(kit: Path) -> tuple[Split, MaskStatistics]:
    samples = read_folder(kit).train
    return samples, mask_statistics(samples, n_values=5, progress=False)


def make(split: tuple[Split, MaskStatistics]) -> ImageCache:
    return image_cache(*split, progress=False)


def test_samples_are_those_of_the_files(split: tuple[Split, MaskStatistics]) -> None:
    cache = make(split)
    copied = pickle.loads(pickle.dumps(cache))
    for i, (image, mask) in enumerate(zip(split[0].images, split[0].masks, strict=True)):
        for one in (cache, copied):
            pixels, ids, extras = one.read(i)
            assert extras == {}
            assert pixels.dtype == torch.uint8 and torch.equal(pixels, read_image(image))
            np.testing.assert_array_equal(ids, read_label_map(mask))
    cache.read(0)[0].fill_(7)
    assert torch.equal(cache.read(0)[0], read_image(split[0].images[0])), "a sample is one's own"


@pytest.mark.parametrize("workers", [0, 2])
def test_a_benchmark_gives_the_same_samples(kit: Path, workers: int) -> None:
    plain, cached = (
        FolderIncremental(kit, task="2-2", setting="overlapped", cache_images=cache, progress=False)
        for cache in (False, True)
    )
    for stream in ("train_stream", "test_stream"):
        for a, b in zip(getattr(plain, stream), getattr(cached, stream), strict=True):
            assert b.data.cache is not None
            batches = []
            for dataset in (a.dataset, b.dataset):
                torch.manual_seed(1)
                loader = DataLoader(dataset, num_workers=workers, generator=torch.Generator())
                batches.append(list(loader))
            for one, other in zip(*batches, strict=True):
                assert all(torch.equal(x, y) for x, y in zip(one, other, strict=True))


def count_reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    done: list[str] = []

    def counted(path: Path) -> torch.Tensor:
        done.append(path.stem)
        return read_image(path)

    monkeypatch.setattr(cache_file, "image_of", counted)
    return done


def test_a_file_is_written_once_until_the_data_change(
    split: tuple[Split, MaskStatistics], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = count_reads(monkeypatch)
    make(split)
    n_images = len(split[0])
    assert len(done) == n_images
    make(split)
    assert len(done) == n_images
    (path,) = cache_folder().glob("*.pixels*")
    path.write_bytes(path.read_bytes()[:-1])
    make(split)
    assert len(done) == 2 * n_images, "a file of another size is written anew"
    write_mask(split[0].masks[0], np.zeros(read_label_map(split[0].masks[0]).shape))
    changed = mask_statistics(split[0], n_values=5, progress=False)
    assert make((split[0], changed)).read(0)[1].max() == 0
    assert len(done) == 3 * n_images


def test_too_little_space_is_refused_before_anything_is_decoded(
    split: tuple[Split, MaskStatistics], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = count_reads(monkeypatch)
    usage = type("Usage", (), {"free": 10})
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(
        ValueError, match=r"cache has 0\.00 GiB.*kit/train takes 0\.00.*AVALANCHE_SEG_CACHE"
    ):
        make(split)
    assert not done and not list(cache_folder().glob("*.pixels*"))


def test_a_folder_that_cannot_be_written_is_named(
    split: tuple[Split, MaskStatistics], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("AVALANCHE_SEG_CACHE", str(tmp_path / "file" / "below"))
    with pytest.raises(ValueError, match=r"file/below/.*cannot be written .*AVALANCHE_SEG_CACHE"):
        make(split)


def test_a_file_that_spoils_is_named_and_nothing_is_left(
    split: tuple[Split, MaskStatistics],
) -> None:
    split[0].images[3].write_bytes(b"spoilt")
    with pytest.raises(ValueError, match=rf"{split[0].images[3].name}: the image cannot be read"):
        make(split)
    left = [path.suffix for path in cache_folder().iterdir()]
    assert set(left) <= {".npz", ".lock"}


def test_extras_are_cached_with_their_samples(split: tuple[Split, MaskStatistics]) -> None:
    samples = split[0]
    folder = samples.root / "extra"
    values = {
        name: [np.full(read_label_map(mask).shape, i + offset) for i, mask in enumerate(files)]
        for name, offset, files in (("zeal", 100, samples.masks), ("depth", 0, samples.masks))
    }
    extras = {
        name: tuple(write_mask(folder / name / f"{i}.png", one) for i, one in enumerate(many))
        for name, many in values.items()
    }
    with_extras = dataclasses.replace(samples, extras=extras)
    statistics = mask_statistics(with_extras, n_values=5, progress=False)
    assert statistics.fingerprint != split[1].fingerprint
    cache = make((with_extras, statistics))
    for i, image in enumerate(samples.images):
        pixels, ids, found = cache.read(i)
        assert torch.equal(pixels, read_image(image))
        np.testing.assert_array_equal(ids, read_label_map(samples.masks[i]))
        assert set(found) == {"zeal", "depth"}
        for name, map_ in found.items():
            assert map_.dtype == torch.uint8
            np.testing.assert_array_equal(map_.numpy(), values[name][i])


def same_as_files(cache: ImageCache, split: tuple[Split, MaskStatistics], index: int) -> bool:
    sample = cache.read(index)
    assert sample is not None
    pixels, ids, _ = sample
    return torch.equal(pixels, read_image(split[0].images[index])) and np.array_equal(
        ids, read_label_map(split[0].masks[index])
    )


def test_no_flipped_byte_reaches_a_sample(split: tuple[Split, MaskStatistics]) -> None:
    make(split)
    (path,) = cache_folder().glob("*.pixels*")
    good = path.read_bytes()
    n_images = len(split[0])
    table = 12 * n_images + 4
    positions = [*range(0, table, 5), *range(table, len(good), 1 + len(good) // 40), len(good) - 1]
    for position in positions:
        bad = bytearray(good)
        bad[position] ^= 1 << position % 8
        path.write_bytes(bad)
        cache = make(split)
        if position < table:  # Written anew before anything is read.
            assert path.read_bytes() == good
            continue
        lost = []
        for i in range(n_images):
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always")
                if cache.read(i) is None:
                    lost.append(i)
                    texts = [str(warning.message) for warning in said]
                    break
            assert same_as_files(cache, split, i)
        assert len(lost) == 1 and len(texts) == 1, position
        assert str(path) in texts[0] and f"sample {lost[0]} is wrong" in texts[0]
        assert cache.read(0) is None, "the whole file is trusted no more"
        assert not path.exists()


@pytest.mark.parametrize("damage", ["zeros", "zero pixels", "swapped", "another's"])
def test_damaged_files_end_in_the_same_samples(
    kit: Path, split: tuple[Split, MaskStatistics], damage: str
) -> None:
    make(split)
    (path,) = cache_folder().glob("*.pixels*")
    content = path.read_bytes()
    table = 12 * len(split[0]) + 4
    pixels = {
        "zeros": bytes(len(content)),
        "zero pixels": content[:table] + bytes(len(content) - table),
        "swapped": content[:table] + content[table:][::-1],
        "another's": content[:-4] + b"abcd",
    }
    path.write_bytes(pixels[damage])

    def benchmark(cached: bool) -> list[torch.Tensor]:
        made = FolderIncremental(
            kit, task="offline", setting="overlapped", cache_images=cached, progress=False
        )
        torch.manual_seed(0)
        loader = DataLoader(made.train_stream[0].dataset, num_workers=1)
        return [part for batch in loader for part in batch]

    expected = benchmark(False)
    for _ in range(2):
        for one, other in zip(benchmark(True), expected, strict=True):
            assert torch.equal(one, other)
    assert path.read_bytes() == content, "written anew at the second start"


def test_a_file_that_is_gone_or_cut_while_training_goes_on(
    split: tuple[Split, MaskStatistics],
) -> None:
    for spoil in (Path.unlink, lambda path: path.write_bytes(path.read_bytes()[:-7])):
        cache = make(split)
        (path,) = cache_folder().glob("*.pixels*")
        spoil(path)
        with pytest.warns(UserWarning, match="read from their own files instead"):
            assert cache.read(2) is None
        assert same_as_files(make(split), split, 2)


def test_a_finished_cache_is_used_from_a_folder_that_cannot_be_written(
    split: tuple[Split, MaskStatistics], monkeypatch: pytest.MonkeyPatch
) -> None:
    make(split)
    before = sorted(cache_folder().iterdir())
    opened = Path.open

    def read_only(self: Path, mode: str = "r", *args: Any, **options: Any) -> Any:
        if cache_folder() in self.parents and set(mode) & set("wax+"):
            raise PermissionError(30, "Read-only file system", str(self))
        return opened(self, mode, *args, **options)

    monkeypatch.setattr(Path, "open", read_only)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        statistics = mask_statistics(split[0], n_values=5, progress=False)
        assert same_as_files(make((split[0], statistics)), split, 1)
    assert sorted(cache_folder().iterdir()) == before
    shorter = dataclasses.replace(split[0], images=split[0].images[1:], masks=split[0].masks[1:])
    with pytest.warns(UserWarning, match="not cached"):
        statistics = mask_statistics(shorter, n_values=5, progress=False)
    with pytest.raises(ValueError, match=r"cannot be written .*AVALANCHE_SEG_CACHE"):
        make((shorter, statistics))


WRITER = """
import os, signal, sys
from pathlib import Path
from avalanche_seg.datasets import cache_file, image_cache, mask_statistics, read_folder
left = [3]
def kill_later(path, read=cache_file.image_of):
    left[0] -= 1
    if left[0] < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return read(path)
cache_file.image_of = kill_later
cache_file._PART = 1
split = read_folder(Path(sys.argv[1])).train
image_cache(split, mask_statistics(split, n_values=5, progress=False), progress=False)
"""


def test_what_a_killed_process_left_is_removed_at_the_next_start(
    kit: Path, split: tuple[Split, MaskStatistics]
) -> None:
    killed = subprocess.run([sys.executable, "-c", WRITER, str(kit)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert len(list(cache_folder().glob("*.tmp"))) == 1
    other = dataclasses.replace(split[0], images=split[0].images[1:], masks=split[0].masks[1:])
    mask_statistics(other, n_values=5, progress=False)
    assert not list(cache_folder().glob("*.tmp"))
