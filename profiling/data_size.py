"""Start-up and memory against the number of images and of steps: lists of ADE20K's and COCO's size.

Files are hard links to 256 small images, so that lists are long and the disk is not full: what is
measured is the cost of every image beside that of its pixels, which other scripts measure.
"""

import gc
import os
import pickle
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from avalanche_seg.benchmarks import SegmentationScenario, incremental_benchmark
from avalanche_seg.datasets import SegmentationFiles, read_folder
from profiling.measuring import in_fresh_process
from profiling.memory import resident
from profiling.report import Section, Target, main

__all__ = ["measure"]

_SIZES = (5_000, 20_210, 118_287)  # A quarter of ADE20K, ADE20K, COCO.
_N_CLASSES = 150
_DRAWN = 256
_TASKS = ("100-50", "100-10", "100-5", "100-1")
_TASK = "100-10"


def measure(*, quick: bool = False) -> list[Section]:
    """Growth with the number of images, and with the number of steps."""
    sizes = (300, 600) if quick else _SIZES
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder) / "cache"
        roots = [_write(Path(folder) / str(n), n) for n in sizes]
        found = [
            # In two processes: what a scan has freed would hide the memory of what comes after it.
            in_fresh_process(_first, root, cache) | in_fresh_process(_later, root, cache)
            for root in roots
        ]
        of_steps = in_fresh_process(_steps, roots[-2], cache)
    return [_images(sizes, found), of_steps]


def _write(root: Path, n: int) -> Path:
    """A folder of n images of 48 x 64 pixels, each with two of 150 classes."""
    images, masks, drawn = root / "JPEGImages", root / "SegmentationClass", root / "drawn"
    lists = root / "ImageSets" / "Segmentation"
    for made in (images, masks, drawn, lists):
        made.mkdir(parents=True)
    generator = np.random.default_rng(0)
    for i in range(_DRAWN):
        pixels = generator.integers(0, 256, (48, 64, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(drawn / f"{i}.jpg")
        mask = np.zeros((48, 64), dtype=np.uint8)
        mask[:20, :30], mask[30:, 30:] = 1 + i % _N_CLASSES, generator.integers(1, _N_CLASSES + 1)
        Image.fromarray(mask).save(drawn / f"{i}.png")
    names = [f"{i:012d}" for i in range(n)]
    for i, name in enumerate(names):
        os.link(drawn / f"{i % _DRAWN}.jpg", images / f"{name}.jpg")
        os.link(drawn / f"{i % _DRAWN}.png", masks / f"{name}.png")
    for split, listed in (("train", names), ("val", names[:_DRAWN])):
        (lists / f"{split}.txt").write_text("\n".join(listed) + "\n")
    classes = ["background", *(f"class {k}" for k in range(1, _N_CLASSES + 1))]
    (root / "classes.txt").write_text("\n".join(classes) + "\n")
    return root


def _first(root: Path, cache: Path) -> dict[str, float]:
    """Seconds of the first start, and bytes that it caches."""
    os.environ["AVALANCHE_SEG_CACHE"] = str(cache)
    known = set(cache.glob("*.npz"))
    found: dict[str, float] = {}
    files = _timed(found, "read the lists", partial(read_folder, root))
    _timed(found, "first start", partial(_benchmark, files))
    found["cache"] = sum(path.stat().st_size for path in set(cache.glob("*.npz")) - known)
    return found


def _later(root: Path, cache: Path) -> dict[str, float]:
    """Seconds of a later start and of the first experience, and the memory they take."""
    os.environ["AVALANCHE_SEG_CACHE"] = str(cache)
    found: dict[str, float] = {}
    before = _resident()
    files = read_folder(root)
    found["files"] = _resident() - before
    benchmark = _timed(found, "later start", partial(_benchmark, files))
    found["benchmark"] = _resident() - before
    step = benchmark.train_stream[0]
    _timed(found, "data set of step 0", lambda: step.dataset)
    found["step"] = _resident() - before
    found["sent"] = len(pickle.dumps(step.dataset))
    return found


def _resident() -> int:
    gc.collect()
    return resident()


def _benchmark(files: SegmentationFiles, task: str = _TASK) -> SegmentationScenario:
    return incremental_benchmark(files, task=task, setting="overlapped", progress=False)


def _timed(found: dict[str, float], name: str, work: Callable[[], Any]) -> Any:
    start = time.perf_counter()
    result = work()
    found[name] = time.perf_counter() - start
    return result


def _images(sizes: tuple[int, ...], found: list[dict[str, float]]) -> Section:
    times = ("read the lists", "first start", "later start", "data set of step 0")
    memory = {
        "files": "memory of the lists",
        "benchmark": "memory with the benchmark",
        "step": "memory with step 0",
        "sent": "step 0 as it is sent to a worker",
        "cache": "cached mask statistics",
    }
    rows = [
        [f"{name}, s", *(f"{one[name]:.2f}" for one in found), f"{_growth(sizes, found, name):.2f}"]
        for name in times
    ]
    rows += [
        [
            f"{told}, bytes per image",
            *(f"{one[name] / n:.0f}" for n, one in zip(sizes, found, strict=True)),
            f"{_growth(sizes, found, name):.2f}",
        ]
        for name, told in memory.items()
    ]
    growth = max(_growth(sizes, found, name) for name in ("first start", "later start"))
    return Section(
        "Scale: images",
        f"{' / '.join(f'{n:,}' for n in sizes)} training images of 48 x 64 pixels and 150 classes, "
        f"task {_TASK}, overlapped.",
        ["what", *(f"{n:,}" for n in sizes), "growth"],
        rows,
        notes=[
            "Growth: the cost per image of the longest list over that of the one before; 1 is "
            "linear.",
            "First start: every file is read, decoded and counted. Later start: sizes and times of "
            "all files, and the contents of 16 samples.",
            "Memory: resident, after a garbage collection; a table of 256 counts per image is "
            "2,048 bytes of it.",
        ],
        targets=[
            Target(
                "start-up with 118,287 images, per image, against 20,210",
                2,
                growth,
                at_least=False,
            )
        ],
    )


def _growth(sizes: tuple[int, ...], found: list[dict[str, float]], name: str) -> float:
    """The cost per image of the longest list, over that of the one before."""
    before, last = (one[name] / n for n, one in list(zip(sizes, found, strict=True))[-2:])
    return last / before


def _steps(root: Path, cache: Path) -> Section:
    """What the number of steps costs: the benchmark, and the last step's experience."""
    os.environ["AVALANCHE_SEG_CACHE"] = str(cache)
    files = read_folder(root)
    _benchmark(files)
    rows = []
    for task in _TASKS:
        found: dict[str, float] = {}
        benchmark = _timed(found, "start", partial(_benchmark, files, task))
        step = _timed(found, "experience", partial(benchmark.train_stream.__getitem__, -1))
        data = _timed(found, "data", partial(getattr, step, "dataset"))
        rows.append(
            [
                str(len(benchmark.train_stream)),
                task,
                f"{found['start']:.2f}",
                f"{1e3 * found['experience']:.2f}",
                str(len(data)),
                f"{1e6 * found['data'] / len(data):.1f}",
            ]
        )
    return Section(
        "Scale: steps of a long list",
        f"{len(files.train):,} training images, overlapped.",
        [
            "steps",
            "task",
            "start, s",
            "experience, ms",
            "its images",
            "data set, us per image",
        ],
        rows,
        notes=["A later start. Experience and data set: those of the last step."],
    )


if __name__ == "__main__":
    main(measure)
