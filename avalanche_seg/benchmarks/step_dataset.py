"""The data set of a step, which is not to be joined with another step's."""

from typing import Any

from avalanche.benchmarks.utils import AvalancheDataset

__all__ = ["StepDataset"]


class StepDataset(AvalancheDataset):
    """The samples of one experience.

    An image that shows classes of several steps is in several experiences, each with labels that
    hide the others' classes. So Avalanche's ``JointTraining`` and ``Cumulative``, which join the
    data sets of all steps, would train on one image under labels that contradict each other.
    """

    def concat(self, other: Any) -> AvalancheDataset:
        """Join with samples that are no whole step, such as a memory of exemplars.

        Raises:
            ValueError: for the data set of a step.
        """
        if isinstance(other, StepDataset):
            raise ValueError(
                "got the data sets of two steps to join, as JointTraining and Cumulative do; "
                "their label maps hide each other's classes: train Joint on a benchmark with "
                "task='offline' for all classes at once, or a ReplayPlugin for some old images"
            )
        return AvalancheDataset([self, other])

    def subset(self, indices: Any) -> AvalancheDataset:
        """Some of the samples, such as a memory keeps: no whole step any more."""
        return AvalancheDataset([self]).subset(indices)
