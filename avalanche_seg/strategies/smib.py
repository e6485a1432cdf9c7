"""MiB with exemplars."""

from typing import Unpack

from avalanche_seg.losses import AnnotatedClassification, CrossEntropy
from avalanche_seg.plugins import (
    BalancedInitPlugin,
    ClassExemplarsBuffer,
    ExemplarMemory,
    LabelMode,
    SMiBPlugin,
    UnbiasedDistillationPlugin,
)
from avalanche_seg.system import check_flags, check_number
from avalanche_seg.training import SegmentationTemplate, TemplateOptions, own_plugins

__all__ = ["SMiB"]


class SMiB(SegmentationTemplate):
    """SMiB: CE + lambda UNKD on new images plus exemplars, balanced initial classifiers.

    Of the report "Incremental Learning in Semantic Segmentation using Exemplars". As published it
    takes a benchmark with ``old_labels="visible"``; exemplars show every class seen so far.

    MiB-AugM (Kwak et al., arXiv 2405.09858) is ``strict``, with ``share=0.5`` and a memory of
    ``label_mode="stored"`` and ``annotates="earlier"``; its memory has a total of images, chosen by
    class, where ours has a number per class.

    Args:
        memory: how many exemplars per class, {5, 15, 25, 50, 100} in the report; or a memory of
            one's own, such as a :class:`~avalanche_seg.plugins.ClassExemplarsBuffer`.
        kd_weight: lambda; 10 as published (100 on 15-5s).
        teacher_scale: factor on the teacher's logits.
        share: None for the union; else the share of every batch that is exemplars.
        strict: never show an old label in a new image, nor a new one in an exemplar: exemplars keep
            the labels of their step, and the loss is the generalised unbiased cross entropy (see
            :func:`avalanche_seg.losses.annotated_cross_entropy`).
        seed: of the random selection, where ``memory`` is a number.
        **options: as in :class:`~avalanche_seg.training.SegmentationTemplate`; ``plugins`` come
            after the method's own.

    Attributes:
        replay: the plugin that replays the exemplars.

    Example:
        >>> from avalanche_seg import BiSeNet, sgd
        >>> strategy = SMiB(model=BiSeNet(), optimizer=sgd(lr=0.01), memory=25)
        >>> strategy.replay.memory.n_per_class
        25

    Raises:
        ValueError: when strict and the memory shows other labels than those of its step, and as
            the memory and its plugin do.
    """

    first_step_of = "FineTuning"

    def __init__(
        self,
        *,
        memory: ExemplarMemory | int = 5,
        kd_weight: float = 10.0,
        teacher_scale: float = 1.0,
        share: float | None = None,
        strict: bool = False,
        seed: int = 0,
        **options: Unpack[TemplateOptions],
    ) -> None:
        check_flags(strict=strict)
        if isinstance(memory, int):
            mode: LabelMode = "stored" if strict else "visible"
            memory = ClassExemplarsBuffer(memory, label_mode=mode, seed=seed)
        self.replay = SMiBPlugin(memory, share=share, strict=strict)
        weight = check_number("kd_weight", kd_weight)
        own = (
            BalancedInitPlugin(),
            UnbiasedDistillationPlugin(weight, teacher_scale=teacher_scale),
            self.replay,
        )
        criterion = CrossEntropy()
        super().__init__(
            criterion=criterion,
            objective=AnnotatedClassification(criterion) if strict else None,
            **own_plugins(options, *own),
        )
