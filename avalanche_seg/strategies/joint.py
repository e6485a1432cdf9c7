"""Joint training: the upper bound."""

from typing import Any

from avalanche_seg.training import SegmentationTemplate

__all__ = ["Joint"]


class Joint(SegmentationTemplate):
    """Cross entropy on one experience that holds every class: the task ``offline``.

    Training on the experiences of another task one after the other would be fine-tuning, and their
    label maps hide classes from each other, so they cannot be joined; hence the check.

    Arguments as in :class:`~avalanche_seg.training.SegmentationTemplate`.
    """

    def train(self, experiences: Any, eval_streams: Any = None, **kwargs: Any) -> Any:
        """Train on the only experience of an ``offline`` benchmark.

        Raises:
            ValueError: when the experience leaves classes to other steps.
        """
        listed = [experiences] if hasattr(experiences, "dataset") else list(experiences)
        for experience in listed:
            if experience.previous_classes or experience.future_classes:
                raise ValueError(
                    "Joint got an experience that leaves classes to other steps; expected the only "
                    "experience of a benchmark with task='offline'"
                )
        return super().train(listed, eval_streams, **kwargs)
