"""The published tables at full scale: which suites run them, what they cost, what came out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import torch

from avalanche_seg.cli.options.options import Options
from avalanche_seg.cli.reading import read_sections
from avalanche_seg.cli.reporting.published import (
    differences,
    is_comparable,
    other_settings,
    published_for,
)
from avalanche_seg.cli.reporting.published_results import PUBLISHED_RESULTS, Published
from avalanche_seg.cli.reporting.tables import MEANS
from avalanche_seg.cli.runs import spread
from avalanche_seg.cli.suites.expansion import RunSettings, expand
from avalanche_seg.cli.suites.first_step import first_step_method
from avalanche_seg.cli.suites.suite_file import read_suite
from avalanche_seg.models import create_model
from profiling.cost import PEAK, UTILISATION, flops_of

__all__ = ["SUITES", "SuiteCost", "cost_of", "lines_of", "results_of", "runs_of"]

SUITES = ("suites/voc-mib-table1.toml", "suites/voc-smib-report.toml")
"""Of the published tables that this repository has a file of."""

# Training images by step with SBD's masks, as published; a joint run has all.
_IMAGES = {
    ("19-1", "overlapped"): (10410, 548),
    ("19-1", "disjoint"): (10034, 548),
    ("15-5", "overlapped"): (9568, 2145),
    ("15-5", "disjoint"): (8437, 2145),
    ("15-5s", "overlapped"): (9568, 487, 299, 491, 500, 548),
    ("15-5s", "disjoint"): (8437, 378, 299, 420, 500, 548),
}
_ALL, _TEST = 10582, 1449


@dataclass(frozen=True)
class SuiteCost:
    """What a suite computes.

    Attributes:
        n_runs, n_first_steps: runs, and first steps that are trained.
        iterations, flops: of all, every first step once; ``alone`` of every run by itself.
        float32: whether the networks run in float32.
    """

    n_runs: int
    n_first_steps: int
    iterations: int
    flops: float
    alone: float
    float32: bool

    def hours(self, flops: float) -> tuple[float, float]:
        """At the largest and the smallest assumed share of an A100's assumed peak.

        The peak is half of bf16's where convolutions take float32, which torch computes in TF32.
        """
        low, high = UTILISATION
        peak = PEAK / 2 if self.float32 else PEAK
        return flops / peak / high / 3600, flops / peak / low / 3600


def runs_of(suite: Path) -> list[RunSettings]:
    """The runs of a suite file, with complete settings; no data are needed."""
    return expand(read_suite(suite))


def cost_of(suite: Path) -> SuiteCost:
    """The iterations and FLOPs of a suite on VOC.

    FLOPs are counted by torch for one image, forward and backward, with 21 classes; later steps
    have a teacher's forward pass in addition (too much for FT and the penalties); exemplars join
    the images of their step.
    """
    runs = runs_of(suite)
    first: dict[tuple[Any, ...], float] = {}
    iterations, total, alone = 0, 0.0, 0.0
    for run in runs:
        o = run.options
        config = {"backbone": o.backbone, "weights": None, **o.model_args}
        forward, student = _flops(o.model, tuple(config.items()), o.crop_size)
        batches = [images // o.batch_size * o.epochs for images in _images(o)]
        costs: list[float] = [
            n * o.batch_size * (student + (forward if step else 0)) + _TEST * forward
            for step, n in enumerate(batches)
        ]
        alone += sum(costs)
        key = (first_step_method(o.method), o.setting, o.task.split("-")[0], o.train_void)
        if len(costs) > 1 and key in first:
            batches[0] = 0
            costs[0] = 0.0
        first.setdefault(key if len(costs) > 1 else (run.name,), costs[0])
        iterations += sum(batches)
        total += sum(costs)
    float32 = all(run.options.amp == "off" for run in runs)
    return SuiteCost(len(runs), len(first), iterations, total, alone, float32)


def _images(options: Options) -> list[int]:
    if options.method == "JOINT":
        return [_ALL]
    counts = _IMAGES[options.task, options.setting]
    n_seen = [int(options.task.split("-")[0]), *([5] if len(counts) == 2 else [1] * 5)]
    per_class = options.exemplars or 0
    return [n + per_class * sum(n_seen[:step]) for step, n in enumerate(counts)]


@cache
def _flops(name: str, config: tuple[tuple[str, Any], ...], crop_size: int) -> tuple[int, int]:
    with torch.device("meta"):  # Counts without computing.
        model = create_model(name, **dict(config))
        model.grow(21)
    return flops_of(model, crop_size)


def lines_of(method: str) -> list[Published]:
    """The published lines of a method on VOC, by papers whose recipe is here."""
    return [
        line
        for line in PUBLISHED_RESULTS
        if (line.method, line.dataset) == (method, "voc") and line.source.recipe is not None
    ]


def results_of(folders: Sequence[Path]) -> list[dict[str, Any]]:
    """Finished runs beside their published lines, as plain values for JSON.

    Args:
        folders: of suites or runs; runs on other data than the lines', or unfinished, give nothing.

    Raises:
        ValueError: naming a folder that cannot be read.
    """
    found = []
    for section in read_sections(folders):
        for group in section.groups:
            config = group.runs[0].config
            for line in published_for(config):
                told = differences(line, config, n_steps=group.n_steps)
                if not is_comparable(line, config) or any("unfinished" in text for text in told):
                    continue
                ours = [spread(group.means(MEANS[name])) for name in line.source.groups]
                theirs = ["-" if v is None else f"{v:.1f}" for v in (line.old, line.new, line.all)]
                finished = max(run.finished for run in group.runs)
                found.append(
                    {
                        "method": line.method,
                        "label": group.label,
                        "task": section.task,
                        "source": line.source.name,
                        "seeds": group.n_seeds,
                        "ours": ours,
                        "theirs": theirs,
                        "differs": told + other_settings(line, config),
                        "date": date.isoformat(finished.date()),
                    }
                )
    return found
