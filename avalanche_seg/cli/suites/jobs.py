"""The jobs of a suite: its runs and the first steps that they share, and how far each is."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from avalanche_seg.cli.options.options import Options
from avalanche_seg.cli.running.steps import model_file
from avalanche_seg.system import folder_holder

__all__ = ["STATUS_FILE", "Job", "read_json"]

STATUS_FILE = "status.json"
"""Of a run's folder, while it trains in a suite: how far it is."""


@dataclass(eq=False)
class Job:
    """One process's work: a run, or a first step that several runs share.

    Attributes:
        name: of its folder.
        folder: where it writes.
        argv: the arguments of ``avalanche-seg run``, without those of the folder.
        options: its settings.
        iterations: expected, of every step that it trains, by step.
        first_step: the job whose model of step 0 it starts from.
        is_first_step: whether it is one that runs share.
    """

    name: str
    folder: Path
    argv: list[str]
    options: Options
    iterations: dict[int, int]
    first_step: "Job | None" = None
    is_first_step: bool = False
    _finished: bool = field(default=False, init=False)

    @property
    def command(self) -> list[str]:
        """The arguments of ``avalanche-seg run`` that begin it, or go on with it."""
        argv = [*self.argv, "--logdir", str(self.folder.parent), "--name", self.folder.name]
        if self.is_first_step:
            argv += ["--step", "0"]
        elif self.first_step is not None:
            argv += ["--step_ckpt", str(self.first_step.model)]
        return [*argv, "--resume"]

    @property
    def model(self) -> Path:
        """The model of its last step."""
        return model_file(self.folder, max(self.iterations))

    @property
    def finished(self) -> bool:
        """Whether the model of its last step is there, and its measures."""
        if not self._finished:
            steps = read_json(self.folder / "results.json").get("steps")
            measured = {step.get("step") for step in steps} if isinstance(steps, list) else set()
            self._finished = max(self.iterations) in measured and self.model.is_file()
        return self._finished

    @property
    def holder(self) -> dict[str, Any] | None:
        """The process that works at it, here or on another machine; None where none does."""
        return folder_holder(self.folder)

    @property
    def total(self) -> int:
        """Iterations that are expected in all."""
        return sum(self.iterations.values())

    @property
    def done(self) -> int:
        """Iterations that are behind it, as far as its files tell."""
        if self.finished:
            return self.total
        status = read_json(self.folder / STATUS_FILE)
        step, iteration = status.get("step"), status.get("iteration")
        if not (isinstance(step, int) and isinstance(iteration, int)):
            return 0
        before = sum(n for earlier, n in self.iterations.items() if earlier < step)
        return min(before + iteration, self.total)

    def again(self) -> None:
        """Look anew whether it is finished."""
        self._finished = False


def read_json(path: Path) -> dict[str, Any]:
    """The object in a file; empty where there is none that can be read."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
