"""Learning rates that follow a schedule, restarted each step."""

from abc import abstractmethod
from typing import Any

from avalanche_seg.plugins.base import SegmentationPlugin

__all__ = ["PolyLRPlugin", "SchedulePlugin", "StepLRPlugin", "poly_factor"]


def poly_factor(iteration: int, n_iterations: int, power: float = 0.9) -> float:
    """The factor (1 - iteration / n_iterations) ** power; 1 at the start, 0 past the end.

    Example:
        >>> [round(poly_factor(i, 4, power=1.0), 2) for i in range(5)]
        [1.0, 0.75, 0.5, 0.25, 0.0]
    """
    return max(0.0, 1.0 - iteration / n_iterations) ** power


class SchedulePlugin(SegmentationPlugin):
    """Sets every iteration's learning rate to the group's initial rate times a factor.

    The schedule spans one training experience, epochs times batches, and starts afresh with the
    next. List it after plugins that change the data (replay), so that it counts their batches.
    """

    def __init__(self) -> None:
        super().__init__()
        self._n_iterations = 1

    @abstractmethod
    def factor(self, iteration: int, n_iterations: int) -> float:
        """The factor at an iteration of a step, counted from 0."""

    def before_training_exp(self, strategy: Any, **kwargs: Any) -> None:
        """Count the step's iterations and remember the initial rates."""
        self._n_iterations = max(1, len(strategy.dataloader) * strategy.train_epochs)
        for group in strategy.optimizer.param_groups:
            # A reused optimizer still holds the last rate of the previous step in "lr".
            group.setdefault("initial_lr", group["lr"])

    def before_training_iteration(self, strategy: Any, **kwargs: Any) -> None:
        """Set the rate of this iteration."""
        factor = self.factor(strategy.clock.train_exp_iterations, self._n_iterations)
        for group in strategy.optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor


class PolyLRPlugin(SchedulePlugin):
    """The polynomial schedule of DeepLab (Chen et al., TPAMI 2018): :func:`poly_factor`.

    Args:
        power: the exponent, 0.9 as published.

    Raises:
        ValueError: when the power is negative.

    Example:
        >>> PolyLRPlugin(power=1.0).factor(1, 4)
        0.75
    """

    def __init__(self, power: float = 0.9) -> None:
        super().__init__()
        if power < 0:
            raise ValueError(f"power={power}; expected zero or more")
        self.power = power

    def factor(self, iteration: int, n_iterations: int) -> float:
        """(1 - iteration / n_iterations) ** power."""
        return poly_factor(iteration, n_iterations, self.power)


class StepLRPlugin(SchedulePlugin):
    """A factor after every so many iterations.

    Args:
        every: iterations between two decays.
        decay: the factor.

    Raises:
        ValueError: when ``every`` is less than one or the factor negative.

    Example:
        >>> StepLRPlugin(every=100, decay=0.5).factor(250, 1000)
        0.25
    """

    def __init__(self, every: int = 5000, decay: float = 0.1) -> None:
        super().__init__()
        if every < 1:
            raise ValueError(f"every={every}; expected one iteration or more")
        if decay < 0:
            raise ValueError(f"decay={decay}; expected zero or more")
        self.every = every
        self.decay = decay

    def factor(self, iteration: int, n_iterations: int) -> float:
        """Decay ** (iteration // every)."""
        return self.decay ** (iteration // self.every)
