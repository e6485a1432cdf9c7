"""A data set of four classes and three domains, for streams whose steps are domains."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from avalanche_seg.benchmarks import (
    SegmentationScenario,
    domain_incremental_benchmark,
    eval_preset,
)
from avalanche_seg.datasets import Domains, SegmentationFiles, Split
from tests.devkits import write_image, write_mask

CLASSES = ("road", "car", "tree", "sky")
DOMAINS = ("day", "dusk", "night")
SIZE = (32, 32)
# The classes of both halves of every image; a row in the middle is void.
HALVES = [(0, 1), (2, 3), (0, 3), (1, 2), (0, 2)]
N_TRAIN, N_TEST = 4, 1  # Images of every domain.


def mask_of(left: int, right: int) -> np.ndarray:
    mask = np.full(SIZE, left, dtype=np.uint8)
    mask[:, SIZE[1] // 2 :] = right
    mask[SIZE[0] // 2] = 255
    return mask


def write_daytimes(root: Path, domains: Sequence[str] = DOMAINS) -> SegmentationFiles:
    """Write the data set; the files of a domain lie in a folder of its name."""
    splits = []
    for split, images in (("train", range(N_TRAIN)), ("val", range(N_TRAIN, N_TRAIN + N_TEST))):
        files = []
        for number, domain in enumerate(domains):
            for k in images:
                level = 10 + 80 * number + 9 * k
                image = write_image(root / "images" / domain / f"{k}.png", SIZE, level)
                mask = write_mask(root / "masks" / domain / f"{k}.png", mask_of(*HALVES[k]))
                files.append((image, mask))
        images_of, masks_of = zip(*files, strict=True)
        splits.append(Split(root, split, images_of, masks_of))
    return SegmentationFiles(
        "daytimes",
        CLASSES,
        *splits,
        zero_is="class",
        domains=Domains(DOMAINS, of=lambda image: image.parent.name),
    )


def daytimes_benchmark(root: Path, **options: Any) -> SegmentationScenario:
    """The stream day and dusk, then night, images as they are."""
    arguments: dict[str, Any] = {
        "task": "2-1",
        "train_transform": eval_preset(SIZE[0]),
        "eval_transform": eval_preset(SIZE[0]),
        "progress": False,
    }
    return domain_incremental_benchmark(write_daytimes(root), **(arguments | options))


def void_share(labels: torch.Tensor) -> float:
    return float((labels == 255).double().mean())
