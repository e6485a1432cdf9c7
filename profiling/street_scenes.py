"""Large PNG photographs, as Cityscapes has them: mask statistics, and samples at 2048 x 1024.

The plain way opens and decodes image and mask by Pillow; for the statistics it takes the unique
values, for a sample it crops what it has decoded.
"""

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from avalanche_seg.benchmarks import CityscapesIncremental, train_preset
from avalanche_seg.datasets import Split, read_cityscapes
from avalanche_seg.datasets.mask_scan import scan
from profiling.measuring import Comparison, compare, in_fresh_process
from profiling.original_samples import OriginalSamples
from profiling.photographs import paths
from profiling.report import Section, main

__all__ = ["measure", "write_scenes"]

_CITIES = {"train": "aachen", "val": "munster"}


def measure(*, quick: bool = False) -> list[Section]:
    """Mask statistics and training samples of large images, one thread."""
    height, width, n_images, crop = (64, 128, 4, 32) if quick else (1024, 2048, 12, 512)
    found = in_fresh_process(_measure, height, width, n_images, crop, 1 if quick else 7)
    rows = [
        [
            name,
            f"{1e3 * times.theirs_median / n_images:.2f}",
            f"{1e3 * times.ours_median / n_images:.2f}",
            times.text(),
        ]
        for name, times in found.items()
    ]
    return [
        Section(
            "Large images",
            f"{n_images} scenes of {width} x {height} as PNGs (RGB, and 8-bit grey raw ids), crop "
            f"{crop}, one thread, files in the system's cache; milliseconds per image.",
            ["what", "Pillow, ms", "ours, ms", "ratio"],
            rows,
            notes=[
                "A PNG is inflated from its start and most rows are told by the one above, so no "
                "library decodes the part that a crop needs; cache_images=True decodes once.",
                "The statistics decode masks alone; of an image its header is read.",
            ],
        )
    ]


def _measure(
    height: int, width: int, n_images: int, crop: int, rounds: int
) -> dict[str, Comparison]:
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        os.environ["AVALANCHE_SEG_CACHE"] = str(Path(name) / "cache")
        write_scenes(Path(name), n_images, (height, width))
        split = read_cityscapes(Path(name)).train
        from_files, decoded = (
            CityscapesIncremental(
                name,
                task="offline",
                setting="overlapped",
                train_transform=train_preset(crop),
                progress=False,
                cache_images=cached,
            )
            .train_stream[0]
            .dataset
            for cached in (False, True)
        )
        plain = OriginalSamples(paths(split.images), paths(split.masks), crop, None)
        return {
            "mask statistics, first scan": compare(
                lambda: scan(split, values=split.values, progress=False, threads=1),  # type: ignore[arg-type]
                lambda: _plain_scan(split),
                rounds=rounds,
            ),
            "a training sample from files": compare(
                lambda: _all(from_files), lambda: _all(plain), rounds=rounds
            ),
            "a training sample, decoded once": compare(
                lambda: _all(decoded), lambda: _all(plain), rounds=rounds
            ),
        }


def write_scenes(folder: Path, n_images: int, size: tuple[int, int]) -> None:
    """Write a Cityscapes folder of smooth images with noise, about 2.6 MB each at full size.

    Args:
        folder: that is to hold ``leftImg8bit`` and ``gtFine``.
        n_images: for training; there is one more for tests.
        size: (height, width).
    """
    for split, n in (("train", n_images), ("val", 1)):
        city = _CITIES[split]
        for i in range(n):
            generator = np.random.default_rng(i if split == "train" else n_images)
            name = f"{city}_{i:06d}_000019"
            light = [60 + 130 * _field(generator, size, size[0] // 6) for _ in range(3)]
            pixels = np.stack(light, axis=-1) + generator.normal(0, 1.5, (*size, 1))
            # Bands of about ten of the raw ids 0..33, with smooth borders.
            ids = 3 * (11 * _field(generator, size, size[0] // 3)).clip(0, 10)
            for part, suffix, picture in (
                ("leftImg8bit", "leftImg8bit", pixels.clip(0, 255)),
                ("gtFine", "gtFine_labelIds", ids),
            ):
                place = folder / part / split / city
                place.mkdir(parents=True, exist_ok=True)
                Image.fromarray(picture.astype(np.uint8)).save(place / f"{name}_{suffix}.png")


def _field(generator: np.random.Generator, size: tuple[int, int], cell: int) -> Any:
    """Smooth noise in about 0..1, whose grid has cells of so many pixels."""
    coarse = generator.random((size[0] // cell + 2, size[1] // cell + 2), dtype=np.float32)
    smooth = Image.fromarray(coarse).resize((size[1], size[0]), Image.Resampling.BICUBIC)
    return np.asarray(smooth)


def _plain_scan(split: Split) -> None:
    for image, mask in zip(paths(split.images), paths(split.masks), strict=True):
        Image.open(image).convert("RGB")
        np.unique(np.array(Image.open(mask)))


def _all(samples: Any) -> None:
    for i in range(len(samples)):
        samples[i]


if __name__ == "__main__":
    main(measure)
