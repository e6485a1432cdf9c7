import dataclasses
import pickle
import shutil
import sys
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
from tests.devkits import write_devkit, write_mask
from tests.insects import CLASS_NAMES, MASKS

cache_module = sys.modules[ImageCache.__module__]  # The face has a function of its name.


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

    monkeypatch.setattr(cache_module, "read_image", counted)
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
