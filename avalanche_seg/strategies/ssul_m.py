"""SSUL with a memory of images."""

from typing import Unpack

from avalanche_seg.plugins import ImageMemory, ImageReplayPlugin, MemoryLabels
from avalanche_seg.strategies.ssul import SSUL
from avalanche_seg.system import check_flags
from avalanche_seg.training import TemplateOptions, own_plugins

__all__ = ["SSULM"]


class SSULM(SSUL):
    """SSUL-M (Cha et al., NeurIPS 2021): SSUL, and half of every batch is from a small memory.

    Args:
        memory_size: images over all classes; 100 on VOC, 300 on ADE20K.
        memory_labels: what they show, "visible" (every class seen so far), "stored" (those of their
            step) or "new" (those of the new step).
        legacy_labels: teach, in replayed images, each class to the channel before its own, as the
            published code does, and so the published numbers.
        saliency: name of the samples' extra that tells salient pixels; None takes all background
            for unknown, as published on ADE20K (published numbers on VOC need maps).
        pseudo_threshold: least sigmoid of a pseudo-label, 0 to 1.
        body_lr: factor on the backbone's rate at step 0.
        background_lr: factor on the rate of the background's head at later steps.
        seed: of the memory's selection.
        **options: as in :class:`~avalanche_seg.training.SegmentationTemplate`; ``plugins`` come
            after the method's own.

    Attributes:
        replay: the plugin that replays the memory.

    Raises:
        ValueError: as SSUL; before step 0, when the memory has more places than that has images.

    Example:
        >>> from avalanche_seg import BiSeNet, sgd
        >>> model = BiSeNet("resnet18", **SSULM.model_options)
        >>> SSULM(model=model, optimizer=sgd(lr=0.01), memory_size=300).replay.memory.size
        300
    """

    first_step_of = "SSUL"

    def __init__(
        self,
        *,
        memory_size: int = 100,
        memory_labels: MemoryLabels = "visible",
        legacy_labels: bool = False,
        saliency: str | None = None,
        pseudo_threshold: float = 0.7,
        body_lr: float = 0.1,
        background_lr: float = 1e-4,
        seed: int = 0,
        **options: Unpack[TemplateOptions],
    ) -> None:
        check_flags(legacy_labels=legacy_labels)
        memory = ImageMemory(
            memory_size,
            labels=memory_labels,
            threshold=pseudo_threshold,
            raw_labels=legacy_labels,
            seed=seed,
        )
        self.replay = ImageReplayPlugin(memory, half=True)
        super().__init__(
            saliency=saliency,
            pseudo_threshold=pseudo_threshold,
            body_lr=body_lr,
            background_lr=background_lr,
            **own_plugins(options, self.replay),
        )
