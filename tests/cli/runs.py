"""Folders as finished runs leave them, without training."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from avalanche_seg.datasets import voc_palette

CONFIG = {
    "dataset": "voc", "data_root": "data/voc", "task": "2-1", "method": "FT", "lr": 0.1,
    "setting": "overlapped", "method_options": {}, "backbone": "resnet18", "weights": "imagenet",
}  # fmt: skip
PALETTE = np.array(voc_palette(), dtype=np.uint8).reshape(-1, 3)

BASE = {"background": 0.9, "cat": 0.8, "dog": 0.6}

PEAK = {"resident": 3 * 2**29}

Iou = dict[str, float | None]


def step_of(iou: Iou, n_base: int) -> dict[str, Any]:
    """A step of results.json; the first class is the background."""
    values = list(iou.values())

    def mean(chosen: list[float | None]) -> float | None:
        present = [value for value in chosen if value is not None]
        return sum(present) / len(present) if present else None

    groups = {"old": values[1:n_base], "new": values[n_base:], "all": values[1:]}
    groups |= {"old_bg": values[:n_base], "all_bg": values}
    means = {f"mIoU_{name}": mean(chosen) for name, chosen in groups.items()}
    return {"iou": iou, "means": {**means, "pixel_accuracy": 0.875}}


def write_run(
    folder: Path, steps: list[Iou], *, seed: int = 0, n_base: int | None = None, **config: Any
) -> Path:
    """Write config.json and results.json; ``steps`` holds the IoU by class after every step."""
    folder.mkdir(parents=True)
    settings = {**CONFIG, "random_seed": seed, "name": folder.name, **config}
    (folder / "config.json").write_text(json.dumps(settings))
    n_base = n_base or len(steps[0])
    results = {
        "seconds": 90.0,
        "peak_memory": PEAK,
        "steps": [step_of(iou, n_base) for iou in steps],
    }
    (folder / "results.json").write_text(json.dumps(results))
    return folder


def write_strip(
    run: Path, step: int, name: str, truth: list[list[int]], prediction: list[list[int]]
) -> None:
    """Write a picture of a step: a grey image, truth and prediction in VOC's colours."""
    maps = [np.kron(np.array(ids), np.ones((8, 8), dtype=int)) for ids in (truth, prediction)]
    image = np.full((*maps[0].shape, 3), 128, dtype=np.uint8)
    folder = run / "predictions" / f"step{step}"
    folder.mkdir(parents=True, exist_ok=True)
    strip = np.concatenate([image, *(PALETTE[ids] for ids in maps)], axis=1)
    Image.fromarray(strip).save(folder / f"{name}.png")


def write_legend(run: Path, ids: dict[str, int]) -> None:
    """Write what the colours of the pictures mean: dataset ids by class name."""
    legend = {name: PALETTE[class_id].tolist() for name, class_id in ids.items()}
    (run / "predictions" / "classes.json").write_text(json.dumps(legend))
