"""DKD with a memory of images."""

from typing import Unpack

from avalanche_seg.plugins import ImageMemory, ImageReplayPlugin
from avalanche_seg.strategies.dkd import DKD
from avalanche_seg.system import check_number
from avalanche_seg.training import TemplateOptions, own_plugins

__all__ = ["DKDM"]


class DKDM(DKD):
    """DKD-M (Baek et al., NeurIPS 2022): DKD, and a small memory beside every step's images.

    Images of the memory show the new classes alone; the old ones live through the distillation. The
    memory is chosen on random crops, completed by what the step's model is sure of (the published
    code asks a model with random heads there).

    Args:
        memory_size: images over all classes; 100 on VOC, 300 on ADE20K.
        pseudo_threshold: least sigmoid of a pseudo-label in the choice of the memory, 0 to 1.
        kd_weight: factor of the old classes' distillation; 5 as published.
        decomposed_weight: factor of the distillation of either part; 5 as published.
        positive_weight: weight of positive pixels at step 0; 2 on VOC, 35 on ADE20K.
        positive_weight_later: weight of positive pixels at later steps; 1 on VOC, 35 on ADE20K.
        head_lr: factor on the rate of all that is not the backbone.
        old_decay: factor on the weight decay of all but the new classes' rows, at later steps.
        seed: of the memory's selection.
        **options: as in :class:`~avalanche_seg.training.SegmentationTemplate`; ``plugins`` come
            after the method's own.

    Attributes:
        replay: the plugin that replays the memory.

    Raises:
        ValueError: as DKD; before step 0, when the memory has more places than that has images.

    Example:
        >>> from avalanche_seg import BiSeNet, sgd
        >>> model = BiSeNet("resnet18", **DKDM.model_options)
        >>> DKDM(model=model, optimizer=sgd(lr=0.001)).replay.memory.labels
        'new'
    """

    first_step_of = "DKD"

    def __init__(
        self,
        *,
        memory_size: int = 100,
        pseudo_threshold: float = 0.9,
        kd_weight: float = 5.0,
        decomposed_weight: float = 5.0,
        positive_weight: float = 2.0,
        positive_weight_later: float = 1.0,
        head_lr: float = 10.0,
        old_decay: float = 0.0,
        seed: int = 0,
        **options: Unpack[TemplateOptions],
    ) -> None:
        memory = ImageMemory(
            memory_size,
            labels="new",
            threshold=check_number("pseudo_threshold", pseudo_threshold, most=1),
            group="train",
            seed=seed,
        )
        self.replay = ImageReplayPlugin(memory)
        super().__init__(
            kd_weight=kd_weight,
            decomposed_weight=decomposed_weight,
            positive_weight=positive_weight,
            positive_weight_later=positive_weight_later,
            head_lr=head_lr,
            old_decay=old_decay,
            **own_plugins(options, self.replay),
        )
