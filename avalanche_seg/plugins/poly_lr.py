"""The polynomial learning rate, restarted each step."""

from typing import Any

from avalanche_seg.plugins.base import SegmentationPlugin

__all__ = ["PolyLRPlugin", "poly_factor"]


def poly_factor(iteration: int, n_iterations: int, power: float = 0.9) -> float:
    """The factor (1 - iteration / n_iterations) ** power; 1 at the start, 0 past the end.

    Example:
        >>> [round(poly_factor(i, 4, power=1.0), 2) for i in range(5)]
        [1.0, 0.75, 0.5, 0.25, 0.0]
    """
    return max(0.0, 1.0 - iteration / n_iterations) ** power


class PolyLRPlugin(SegmentationPlugin):
    """Sets every iteration's learning rate to the group's initial rate times :func:`poly_factor`.

    The schedule spans one training experience, epochs times batches, and starts afresh with the
    next. List it after plugins that change the data (replay), so that it counts their batches.

    Args:
        power: the exponent, 0.9 as published.

    Raises:
        ValueError: when the power is negative.
    """

    def __init__(self, power: float = 0.9) -> None:
        super().__init__()
        if power < 0:
            raise ValueError(f"power={power}; expected zero or more")
        self.power = power
        self._n_iterations = 1

    def before_training_exp(self, strategy: Any, **kwargs: Any) -> None:
        """Count the step's iterations and remember the initial rates."""
        self._n_iterations = max(1, len(strategy.dataloader) * strategy.train_epochs)
        for group in strategy.optimizer.param_groups:
            # A reused optimizer still holds the last rate of the previous step in "lr".
            group.setdefault("initial_lr", group["lr"])

    def before_training_iteration(self, strategy: Any, **kwargs: Any) -> None:
        """Set the rate of this iteration."""
        iteration = strategy.clock.train_exp_iterations
        factor = poly_factor(iteration, self._n_iterations, self.power)
        for group in strategy.optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor
