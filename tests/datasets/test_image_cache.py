import pickle
import shutil
import subprocess
import sys
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from avalanche_seg.benchmarks import FolderIncremental
from avalanche_seg.datasets import (
    Split,
    image_cache,
    mask_statistics,
    read_folder,
    read_image,
    read_label_map,
)
from avalanche_seg.datasets.image_cache import ImageCache
from avalanche_seg.datasets.mask_statistics import MaskStatistics, cache_folder
from avalanche_seg.system import capacity as room
from tests.devkits import write_devkit, write_mask
from tests.insects import CLASS_NAMES, MASKS

cache_module = sys.modules[ImageCache.__module__]  # The face has a function of its name.

KINDS = ["memory", "disk"]


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
    return samples, mask_statistics(samples, n_foreground=4, progress=False)


def make(split: tuple[Split, MaskStatistics], kind: str) -> ImageCache:
    return image_cache(*split, kind, progress=False)


@pytest.mark.parametrize("kind", KINDS)
def test_samples_are_those_of_the_files(split: tuple[Split, MaskStatistics], kind: str) -> None:
    cache = make(split, kind)
    copied = pickle.loads(pickle.dumps(cache))
    for i, (image, mask) in enumerate(zip(split[0].images, split[0].masks, strict=True)):
        for one in (cache, copied):
            pixels, ids = one.read(i)
            assert pixels.dtype == torch.uint8 and torch.equal(pixels, read_image(image))
            np.testing.assert_array_equal(ids, read_label_map(mask))
    cache.read(0)[0].fill_(7)
    assert torch.equal(cache.read(0)[0], read_image(split[0].images[0])), "a sample is one's own"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("workers", [0, 2])
def test_a_benchmark_gives_the_same_samples(kit: Path, kind: str, workers: int) -> None:
    plain, cached = (
        FolderIncremental(kit, task="2-2", setting="overlapped", cache_images=cache, progress=False)
        for cache in (False, kind)
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

    monkeypatch.setattr(cache_module, "read_image", counted)
    return done


def test_a_file_is_written_once_until_the_data_change(
    split: tuple[Split, MaskStatistics], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = count_reads(monkeypatch)
    make(split, "disk")
    n_images = len(split[0])
    assert len(done) == n_images
    make(split, "disk")
    assert len(done) == n_images
    (path,) = cache_folder().glob("*.pixels*")
    path.write_bytes(path.read_bytes()[:-1])
    make(split, "disk")
    assert len(done) == 2 * n_images, "a file of another size is written anew"
    write_mask(split[0].masks[0], np.zeros(read_label_map(split[0].masks[0]).shape))
    changed = mask_statistics(split[0], n_foreground=4, progress=False)
    assert make((split[0], changed), "disk").read(0)[1].max() == 0
    assert len(done) == 3 * n_images


def test_memory_is_shared_by_benchmarks_and_freed_after_the_last(
    split: tuple[Split, MaskStatistics], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = count_reads(monkeypatch)
    first = make(split, "memory")
    name = first._open.args[0]  # type: ignore[attr-defined]
    assert make(split, "memory") is first and len(done) == len(split[0])
    del first
    with pytest.raises(FileNotFoundError):
        SharedMemory(name)


def test_too_little_room_is_refused_before_anything_is_decoded(
    split: tuple[Split, MaskStatistics], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = count_reads(monkeypatch)
    monkeypatch.setattr(cache_module, "available_memory", lambda: 1000)
    with pytest.raises(
        ValueError, match=r"'memory'.* room for 0\.00 GiB; .*kit/train takes 0\.00.*disk"
    ):
        make(split, "memory")
    usage = type("Usage", (), {"free": 10})
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(ValueError, match=r"'disk'.*cache has room.*AVALANCHE_SEG_CACHE"):
        make(split, "disk")
    assert not done and not list(cache_folder().glob("*.pixels*"))


def test_a_folder_that_cannot_be_written_is_named(
    split: tuple[Split, MaskStatistics], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("AVALANCHE_SEG_CACHE", str(tmp_path / "file" / "below"))
    with pytest.raises(ValueError, match=r"file/below/.*cannot be written .*AVALANCHE_SEG_CACHE"):
        make(split, "disk")


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_spoils_is_named_and_nothing_is_left(
    split: tuple[Split, MaskStatistics], kind: str
) -> None:
    split[0].images[3].write_bytes(b"spoilt")
    with pytest.raises(ValueError, match=rf"{split[0].images[3].name}: the image cannot be read"):
        make(split, kind)
    left = [path.suffix for path in cache_folder().iterdir()]
    assert set(left) <= {".npz", ".lock"}


PROGRAM = """
import multiprocessing, sys
from avalanche_seg.benchmarks import FolderIncremental

kept = []

def hold():
    benchmark = FolderIncremental(sys.argv[1], task="2-1", cache_images="memory", progress=False)
    kept.append((benchmark, benchmark.train_stream[0].dataset[0]))

if __name__ == "__main__":
    hold()
    process = multiprocessing.get_context("forkserver").Process(target=hold)
    process.start()
    process.join()
    sys.exit(process.exitcode)
"""


def test_memory_is_given_back_by_every_kind_of_process(kit: Path, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", program, kit],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "leaked" not in done.stderr and "Error" not in done.stderr


def test_an_unknown_kind_is_refused_before_the_masks_are_read(kit: Path) -> None:
    with pytest.raises(ValueError, match=r"cache_images='ram' is unknown.*memory, disk"):
        FolderIncremental(kit, cache_images="ram")  # type: ignore[arg-type]


def test_available_memory_is_a_bound() -> None:
    assert 0 < room.available_memory() <= 2**62
