"""What the last bits of a training's weights depend on beside its settings, and when it changed."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from avalanche_seg.system import is_main, world_size

__all__ = ["ArithmeticLog", "arithmetic"]


def arithmetic(device: torch.device, amp: str = "off") -> dict[str, Any]:
    """What decides on the order and the type of floating point operations, as plain values.

    Sums over pixels and images are split among threads and processes, and kernels differ between
    devices and versions of torch.

    Args:
        device: that is trained on.
        amp: the type of mixed precision, which ``amp="auto"`` leaves to the device.

    Example:
        >>> sorted(arithmetic(torch.device("cpu")))
        ['amp', 'device', 'processes', 'threads', 'torch']
    """
    return {
        "amp": amp,
        "threads": torch.get_num_threads(),
        "processes": world_size(),
        "device": device.type,
        "torch": str(torch.__version__),  # A plain one, which a state can hold.
    }


class ArithmeticLog:
    """The arithmetic of a training, from its first step on.

    Attributes:
        entries: by change, :func:`arithmetic` and the ``step`` and ``epoch`` that it came with.
    """

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []

    def go_on(self, saved: Sequence[dict[str, Any]], strategy: Any, path: Path) -> None:
        """Take over what was saved; warn when the training goes on with another arithmetic."""
        self.entries = list(saved)
        now = _of(strategy)
        changes = [
            f"{name} {before} to {now[name]}"
            for name, before in (self.entries[-1] if self.entries else {}).items()
            if now.get(name, before) != before
        ]
        if changes and is_main():
            warnings.warn(
                f"{path} goes on with other arithmetic ({', '.join(changes)}): the weights will "
                "not be, bit for bit, those of a training that was never stopped; the state and "
                "results record it",
                stacklevel=3,
            )

    def note(self, strategy: Any, epoch: int) -> None:
        """Add the arithmetic of now, if it is another one, in an epoch of the current step."""
        now, step = _of(strategy), strategy.experience.current_experience
        last = self.entries[-1] if self.entries else {}
        if any(last.get(name) != value for name, value in now.items()):
            self.entries.append({"step": step, "epoch": epoch, **now})


def _of(strategy: Any) -> dict[str, Any]:
    precision = getattr(strategy, "precision", None)  # Other people's strategies have none.
    return arithmetic(strategy.device, getattr(precision, "amp", "off"))
