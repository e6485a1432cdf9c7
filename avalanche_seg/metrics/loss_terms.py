"""The mean of every term of the objective, for Avalanche's loggers."""

from typing import Any

from avalanche.evaluation import PluginMetric
from avalanche.evaluation.metric_results import MetricValue
from avalanche.evaluation.metric_utils import get_metric_name
from torch import Tensor

__all__ = ["LossTerms", "loss_term_metrics"]


class LossTerms(PluginMetric[dict[str, float]]):
    """Mean over a training epoch of every term in the strategy's ``loss_terms``.

    Emitted as one value by term, ``LossTerms/train_phase/train_stream/<term>``: "classification",
    the distillations and the penalties, each weighted as it enters the objective. Sums stay on the
    device until the epoch ends.

    Example:
        >>> import torch
        >>> from types import SimpleNamespace
        >>> terms = LossTerms()
        >>> for value in (1.0, 3.0):
        ...     batch = SimpleNamespace(loss_terms={"unkd": torch.tensor(value)})
        ...     terms.after_training_iteration(batch)
        >>> terms.result()
        {'unkd': 2.0}
    """

    def __init__(self) -> None:
        super().__init__()
        self.reset()

    def reset(self) -> None:
        """Forget the sums."""
        self._sums: dict[str, Tensor] = {}
        self._iterations = 0

    def result(self) -> dict[str, float]:
        """The means so far, by term; empty before the first iteration."""
        return {name: float(total) / self._iterations for name, total in self._sums.items()}

    def before_training_epoch(self, strategy: Any) -> None:
        """Start an epoch."""
        self.reset()

    def after_training_iteration(self, strategy: Any) -> None:
        """Add the terms of a batch."""
        self._iterations += 1
        for name, value in getattr(strategy, "loss_terms", {}).items():
            self._sums[name] = self._sums[name] + value if name in self._sums else value.clone()

    def after_training_epoch(self, strategy: Any) -> list[MetricValue]:
        """Emit the means of the epoch."""
        means = self.result()
        if not means:
            return []
        name = get_metric_name(self, strategy, add_experience=False, add_task=False)
        return [MetricValue(self, name, means, strategy.clock.train_iterations)]

    def __str__(self) -> str:
        return "LossTerms"


def loss_term_metrics() -> list[LossTerms]:
    """The parts of the objective for an ``EvaluationPlugin``.

    Example:
        >>> [str(metric) for metric in loss_term_metrics()]
        ['LossTerms']
    """
    return [LossTerms()]
