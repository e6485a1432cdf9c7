"""Direct fine-tuning of new rows."""

from typing import Any, Unpack

from avalanche.models.utils import avalanche_model_adaptation
from torch import nn

from avalanche_seg.plugins import FreezePlugin
from avalanche_seg.training import SegmentationTemplate, TemplateOptions, own_plugins

__all__ = ["DFT"]


class DFT(SegmentationTemplate):
    """DFT*: the rows of all classes from step 0 on, and later nothing but new rows is trained.

    A baseline that knows the number of classes in advance. Step 0 trains with cross entropy over
    the channels of all steps, those of later ones never a label. Later steps train the rows that
    are of no earlier step, 257 numbers per class under 256 channels; the rest of the model rests,
    in evaluation mode, so that auxiliary heads are off. It takes a benchmark with
    ``train_void="ignore"``.

    The model has the channels of all classes after step 0, in tests too. So it cannot be the
    teacher of a step, and needs the ``train_stream`` of a benchmark with steps known beforehand.

    Args:
        **options: as in :class:`~avalanche_seg.training.SegmentationTemplate`; ``plugins`` come
            after the method's own.
    """

    train_void = "ignore"

    def __init__(self, **options: Unpack[TemplateOptions]) -> None:
        resting = FreezePlugin(heads_only=True, old_heads=True, evaluation=[""], first_step=1)
        super().__init__(**own_plugins(options, resting))

    def model_adaptation(self, model: nn.Module | None = None) -> nn.Module:
        """Let the heads grow to the step, and at once to all that follow."""
        adapted = super().model_adaptation(model)
        experience: Any = self.experience
        stream = experience.origin_stream.benchmark.train_stream
        for later in stream[experience.current_experience + 1 :]:
            avalanche_model_adaptation(adapted, later)
        return adapted.to(self.device).to(memory_format=self._memory_format)
