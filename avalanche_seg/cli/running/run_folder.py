"""The files of a run: what is written after every step, each whole or not at all."""

import csv
import json
import math
import shutil
import warnings
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from avalanche_seg.cli.options.options import Options
from avalanche_seg.cli.running.data_record import DataRecord, data_changes
from avalanche_seg.cli.runs import EXTRA_DIGITS
from avalanche_seg.loggers import text_cell
from avalanche_seg.metrics import RunReport, StepReport
from avalanche_seg.system import (
    FolderLock,
    atomic_write,
    broadcast,
    is_main,
    remove_left_overs,
)

__all__ = ["DATA_FILE", "RunFolder", "default_name", "table"]

DATA_FILE = "data.json"
"""Of a run's folder: names and digests of the files that it was made with."""

_FOLDERS = ("models", "predictions", "plots")
_COLUMNS = ("step", "stream", "class", "class_id", "metric", "value")


class RunFolder:
    """The folder of a run.

    Args:
        logdir: folder of all runs.
        name: the folder's name; None takes ``fallback``, numbered when it exists.
        fallback: the name made from the settings.
        reuse: take the folder that is there, for a run that goes on; without a name the newest of
            those made from the settings.

    Raises:
        ValueError: when a folder of the given name exists already, or cannot be made or written.
    """

    path: Path

    def __init__(
        self, logdir: str, name: str | None, fallback: str, *, reuse: bool = False
    ) -> None:
        found, self._new, self._lock = None, False, ExitStack()
        if is_main():
            found = _existing(Path(logdir), name, fallback) if reuse else None
            self._new = found is None
            found = found or _new(Path(logdir), name, fallback)
        self.path = broadcast(found)
        try:
            for folder in _FOLDERS:
                (self.path / folder).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ValueError(
                f"{self.path} cannot be written ({error}); pass another --logdir"
            ) from error

    def __enter__(self) -> "RunFolder":
        """Hold the folder for this run, and remove what killed ones left unfinished in it.

        Raises:
            ValueError: when another run holds it.
        """
        if is_main():
            self._lock.enter_context(FolderLock(self.path))
            for folder in (self.path, *(self.path / name for name in _FOLDERS)):
                remove_left_overs(folder)
            for left_over in (self.path / "models").glob(".tmp*"):  # Of safetensors' own writing.
                left_over.unlink(missing_ok=True)
        return self

    def __exit__(self, *error: object) -> None:
        """Give the folder back; remove a new one when nothing came of the run."""
        self._lock.close()
        if self._new and error[0] is not None and not (self.path / "config.json").exists():
            shutil.rmtree(self.path, ignore_errors=True)

    def check_data(self, data: DataRecord, *, resume: bool) -> None:
        """Compare the data with those of the run so far, if it has any.

        Args:
            data: of this call.
            resume: refuse other data than those of a saved state; else they are warned of.

        Raises:
            ValueError: naming what changed.
        """
        try:
            before = json.loads((self.path / DATA_FILE).read_text(encoding="utf-8"))
            changes = data_changes(before, data)
        except (OSError, ValueError, TypeError, AttributeError):
            return  # The state has the data's fingerprint too.
        if not changes:
            return
        if resume and (self.path / "checkpoint.pt").exists():
            raise ValueError(
                f"{self.path} was made with other data ({changes}); put them back, or start a new "
                "run"
            )
        if is_main():
            warnings.warn(
                f"{self.path} has steps that were made with other data ({changes})", stacklevel=2
            )

    def write_config(self, options: Options, device: str) -> None:
        """Write config.json; of a run made step by step it tells the rates of both kinds of step.

        Args:
            options: of this call.
            device: that ``auto`` stands for.
        """
        config = options.as_dict() | {"resolved_device": device}
        path = self.path / "config.json"
        if options.step and path.is_file():
            config["lr"] = json.loads(path.read_text(encoding="utf-8"))["lr"]
        self.write_json("config.json", config)

    @classmethod
    def existing(cls, logdir: str, name: str | None, fallback: str) -> "RunFolder":
        """The folder of a run that was made before.

        Raises:
            ValueError: when there is none.
        """
        found = _existing(Path(logdir), name, fallback)
        if found is None:
            raise ValueError(
                f"{Path(logdir) / (name or fallback)} is no run; pass the --logdir and --name of "
                "one"
            )
        return cls.at(found)

    @classmethod
    def at(cls, path: Path) -> "RunFolder":
        """The folder of this path, as it is."""
        folder = cls.__new__(cls)
        folder.path, folder._new, folder._lock = path, False, ExitStack()
        return folder

    def write_json(self, name: str, content: dict[str, Any]) -> None:
        """Write a JSON file at once; of several processes the main one does."""
        if not is_main():
            return
        with atomic_write(self.path / name) as temporary:
            temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")

    def write_metrics(self, report: RunReport, stream: str) -> None:
        """Write metrics.csv: one row per step, class and metric.

        Class and dataset id are empty for means and for the values of step metrics.
        """
        rows: list[tuple[Any, ...]] = [_COLUMNS]
        for step in report.steps:
            ids = dict(zip(step.class_names, step.class_ids, strict=False))
            for metric, values in (("iou", step.iou), ("accuracy", step.accuracy)):
                rows += [
                    (step.step, stream, text_cell(name), ids.get(name, ""), metric, value)
                    for name, value in values.items()
                ]
            rows += [(step.step, stream, "", "", metric, v) for metric, v in step.means.items()]
        with (
            atomic_write(self.path / "metrics.csv") as temporary,
            temporary.open("w", newline="", encoding="utf-8") as file,
        ):
            csv.writer(file).writerows(rows)


def _existing(logdir: Path, name: str | None, fallback: str) -> Path | None:
    if name is not None:
        return logdir / name if (logdir / name).is_dir() else None
    numbered = [logdir / fallback]
    while (path := logdir / f"{fallback}-{len(numbered) + 1}").is_dir():
        numbered.append(path)
    return numbered[-1] if numbered[-1].is_dir() else None


def _new(logdir: Path, name: str | None, fallback: str) -> Path:
    path, number = logdir / (name or fallback), 1
    while True:
        try:
            path.mkdir(parents=True)
            return path
        except FileExistsError as error:
            if name is not None or logdir.is_file():
                _check_free(path)
                raise ValueError(
                    f"{path} exists already; choose another --name or --logdir, go on with it by "
                    "--resume, or move it away"
                ) from error
            number += 1
            path = logdir / f"{fallback}-{number}"
        except OSError as error:
            raise ValueError(f"{path} cannot be made ({error}); pass another --logdir") from error


def _check_free(path: Path) -> None:
    """Raise the ValueError that names a run which holds this folder."""
    with suppress(OSError), FolderLock(path):
        pass


def default_name(options: Options) -> str:
    """The name of a run's folder from its settings."""
    method = options.method + ("" if options.exemplars is None else f"+{options.exemplars}")
    parts = (method, options.task, options.setting, options.dataset)
    return "_".join((*parts, f"s{options.random_seed}"))


def table(steps: list[StepReport]) -> str:
    """Old, new and all mIoU after each step, in percent, without and with background.

    Below, a line for every value of a step metric, as it is, step by step.

    Example:
        >>> import torch
        >>> print(table([StepReport(0, torch.eye(2, dtype=int), ["background", "a"], n_base=2)]))
        step |    old    new    all | with background:    old    new    all
           0 |  100.0      -  100.0 |                   100.0      -  100.0
    """
    head = f"{'old':>6} {'new':>6} {'all':>6}"
    lines = [f"step | {head} | with background: {head}"]
    for step in steps:
        cells = [
            " ".join(
                _percent(step.means[f"mIoU_{group}{suffix}"]) for group in ("old", "new", "all")
            )
            for suffix in ("", "_bg")
        ]
        lines.append(f"{step.step:>4} | {cells[0]} | {' ' * 16} {cells[1]}")
    for name in dict.fromkeys(name for step in steps for name in step.extra):
        values = (step.extra.get(name, math.nan) for step in steps)
        shown = ("-" if math.isnan(value) else f"{value:.{EXTRA_DIGITS}f}" for value in values)
        lines.append(f"{name}: {', '.join(shown)}")
    return "\n".join(lines)


def _percent(value: float) -> str:
    return f"{'-':>6}" if math.isnan(value) else f"{100 * value:6.1f}"
