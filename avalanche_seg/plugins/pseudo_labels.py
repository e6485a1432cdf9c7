"""PLOP's pseudo-labels, in any Avalanche strategy."""

from collections.abc import Iterable
from typing import Any

from torch import Tensor

from avalanche_seg.kernels import prediction_entropy
from avalanche_seg.losses import (
    StepBatch,
    ThresholdRule,
    class_thresholds,
    count_scores,
    entropy_score,
    pseudo_labels,
    score_histograms,
)
from avalanche_seg.plugins.targets import TargetPlugin
from avalanche_seg.system import all_reduce_sum_, check_flags, check_number, collective_device

__all__ = ["PseudoLabelPlugin"]


class PseudoLabelPlugin(TargetPlugin):
    """Background becomes the previous model's class where that model is sure, else void.

    Of PLOP (Douillard et al., CVPR 2021, section 3.3). Before a later step one pass over its
    training data gives every old class a threshold of the entropy; see
    :func:`avalanche_seg.losses.pseudo_labels`. Images count by the share of their background that
    was accepted. Labels should keep void as void: ``train_void="ignore"`` of a benchmark.

    Args:
        threshold: "code": the thresholds of the published code, and so of all published numbers;
            "paper": the median of every class; see :func:`avalanche_seg.losses.class_thresholds`.
        least: smallest threshold, 0..1.
        weigh_images: weigh every image's classification loss by its accepted share.
        progress: as in :class:`TargetPlugin`.
        seed: as in :class:`TargetPlugin`.

    Attributes:
        thresholds: of the step in training, by class, K; None before a later step.

    Raises:
        ValueError: for an unknown rule, or a number out of range.

    Example:
        >>> plugin = PseudoLabelPlugin(threshold="paper", progress=False)
        >>> plugin.least
        0.001
    """

    def __init__(
        self,
        *,
        threshold: ThresholdRule = "code",
        least: float = 0.001,
        weigh_images: bool = True,
        progress: bool = True,
        seed: int = 0,
    ) -> None:
        super().__init__(progress=progress, seed=seed)
        score_histograms(0, rule=threshold)
        check_flags(weigh_images=weigh_images)
        self.threshold: ThresholdRule = threshold
        self.least = check_number("least", least, most=1)
        self.weigh_images = weigh_images
        self.thresholds: Tensor | None = None
        self._n_classes = 0

    def prepare_step(self, strategy: Any, batches: Iterable[StepBatch]) -> None:
        """The thresholds, from what the teacher says of the background of the step's crops."""
        old = set(strategy.experience.previous_classes)
        n_old = len(old)
        self._n_classes = len(old.union(strategy.experience.classes_in_this_experience))
        histograms = score_histograms(n_old, rule=self.threshold, device=strategy.device)
        for batch in batches:
            labels, scores = self._predicted(batch)
            background = batch.target < n_old
            count_scores(histograms, labels, scores, rule=self.threshold, counted=background)
        histograms = all_reduce_sum_(histograms.to(collective_device()))
        found = class_thresholds(histograms, rule=self.threshold, least=self.least)
        self.thresholds = found.to(strategy.device)

    def targets(self, batch: StepBatch) -> tuple[Tensor, Tensor | None]:
        """The pseudo-labels of a batch and the weight of its images."""
        assert self.thresholds is not None
        labels, scores = self._predicted(batch)
        found = pseudo_labels(batch.target, labels, scores, self.thresholds, n_old=batch.n_old)
        return found.target, found.weight if self.weigh_images else None

    def _predicted(self, batch: StepBatch) -> tuple[Tensor, Tensor]:
        """The teacher's classes and their scores, each B x H x W."""
        found = prediction_entropy(batch.teacher.logits, batch.size)
        scores = entropy_score(
            found.entropy, n_old=batch.n_old, n_classes=self._n_classes, rule=self.threshold
        )
        return found.labels, scores
