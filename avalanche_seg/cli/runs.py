"""Finished runs as their folders tell them."""

import json
import math
import statistics
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from avalanche_seg.cli.options.options import NOT_DETERMINING
from avalanche_seg.cli.options.own_data import OWN_DATA, own_name

__all__ = ["EXTRA_DIGITS", "Run", "legend_file", "spread"]

EXTRA_DIGITS = 3
"""Decimals of a step metric's values, which are shown as they are."""

_NOT_A_SETTING = (NOT_DETERMINING - {"data_root", "images"}) | {
    *("random_seed", "seed", "resolved_device", "method_options", "n_exemplars"),
}


@dataclass(frozen=True)
class Run:
    """One run's folder with the content of its config.json and results.json."""

    folder: Path
    config: dict[str, Any]
    results: dict[str, Any]

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.resolve().name

    @property
    def steps(self) -> list[dict[str, Any]]:
        """The measures after every step."""
        return self.results["steps"]

    @property
    def finished(self) -> datetime:
        """When its results were last written, in local time."""
        return datetime.fromtimestamp((self.folder / "results.json").stat().st_mtime)

    @property
    def data(self) -> str:
        """The data set; a folder of one's own by its name."""
        dataset = self.config.get("dataset", "unknown data")
        if dataset in OWN_DATA:
            return own_name(self.config)
        return Path(self.config["data_root"]).name if dataset == "folder" else str(dataset)

    @cached_property
    def iou(self) -> list[dict[str, float]]:
        """IoU by class name after every step, in 0..1; NaN for a class absent from the truth."""
        return [
            {name: math.nan if v is None else v for name, v in step.get("iou", {}).items()}
            for step in self.steps
        ]

    @cached_property
    def settings(self) -> dict[str, Any]:
        """What tells the run from others, its seed left out."""
        # A method's own arguments count like any other setting; the memory's size is in both.
        flat = self.config | (self.config.get("method_options") or {})
        return {name: value for name, value in flat.items() if name not in _NOT_A_SETTING}

    def key(self, *, without: Collection[str] = ()) -> str:
        """The settings as a text that is equal for runs which differ in nothing else."""
        told = {name: value for name, value in self.settings.items() if name not in without}
        return json.dumps(told, sort_keys=True)

    @property
    def seed(self) -> int | None:
        """Of its random choices; None where it does not tell."""
        seed = self.config.get("random_seed", self.config.get("seed"))
        return seed if isinstance(seed, int) else None

    @property
    def peak_memory(self) -> tuple[str, int] | None:
        """Kind and bytes of the most memory it needed: of the GPU where it has one."""
        peaks = self.results.get("peak_memory") or {}
        kind = "gpu" if "gpu" in peaks else next(iter(peaks), None)
        return None if kind is None else (kind, peaks[kind])


def legend_file(run: Path) -> Path:
    """Where a run keeps the colours of its pictures: class name -> red, green, blue."""
    return run / "predictions" / "classes.json"


def spread(values: Sequence[float], digits: int = 1) -> str:
    """Mean, and standard deviation where there are several.

    Example:
        >>> spread([1.0, 3.0]), spread([2.0], digits=3), spread([])
        ('2.0 ± 1.4', '2.000', '-')
    """
    if not values:
        return "-"
    mean = f"{statistics.mean(values):.{digits}f}"
    return f"{mean} ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else mean
