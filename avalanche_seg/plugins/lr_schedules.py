"""Learning rates that follow a schedule, restarted each step."""

from abc import abstractmethod
from typing import Any

from avalanche_seg.plugins.base import SegmentationPlugin
from avalanche_seg.system import check_number, check_whole

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

    Args:
        floor: least rate of any group.
    """

    def __init__(self, *, floor: float = 0.0) -> None:
        super().__init__()
        self.floor = check_number("floor", floor)
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
            group["lr"] = max(group["initial_lr"] * factor, self.floor)


class PolyLRPlugin(SchedulePlugin):
    """The polynomial schedule of DeepLab (Chen et al., TPAMI 2018): :func:`poly_factor`.

    Args:
        power: the exponent, 0.9 as published.
        warmup: share of the step's iterations over which the rate rises linearly to what it would
            be without a warm-up; 0 for none. SSUL has 0.1 and DKD 0.2 on ADE20K.
        warmup_start: factor at which the rise begins.
        floor: least rate of any group; SSUL has 1e-6.

    Raises:
        ValueError: when a number is negative, or a share above 1.

    Example:
        >>> PolyLRPlugin(power=1.0).factor(1, 4)
        0.75
        >>> [PolyLRPlugin(power=0.0, warmup=0.5).factor(i, 8) for i in (0, 2, 4)]
        [0.001, 0.5005, 1.0]
    """

    def __init__(
        self,
        power: float = 0.9,
        *,
        warmup: float = 0.0,
        warmup_start: float = 0.001,
        floor: float = 0.0,
    ) -> None:
        super().__init__(floor=floor)
        self.power = check_number("power", power)
        self.warmup = check_number("warmup", warmup, most=1)
        self.warmup_start = check_number("warmup_start", warmup_start, most=1)

    def factor(self, iteration: int, n_iterations: int) -> float:
        """(1 - iteration / n_iterations) ** power, times the rise."""
        factor = poly_factor(iteration, n_iterations, self.power)
        rises = self.warmup * n_iterations
        if iteration < rises:
            factor *= self.warmup_start + (1 - self.warmup_start) * iteration / rises
        return factor


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
        self.every = check_whole("every", every, least=1, expected="one iteration or more")
        self.decay = check_number("decay", decay)

    def factor(self, iteration: int, n_iterations: int) -> float:
        """Decay ** (iteration // every)."""
        return self.decay ** (iteration // self.every)
