"""Parts of the model that do not learn."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from torch import nn

from avalanche_seg.models import IncrementalHead
from avalanche_seg.plugins.base import SegmentationPlugin
from avalanche_seg.system import check_flags, check_whole, shown

__all__ = ["FreezePlugin"]


class FreezePlugin(SegmentationPlugin):
    """Freezes parameters, and holds modules in evaluation mode.

    Args:
        batch_norm: keep the statistics of every batch norm as they are, and use them.
        heads_only: from the second step on, train the incremental heads alone.
        old_heads: from the second step on, leave the classifiers of earlier steps as they are, in
            the main and the auxiliary heads; extra channels go on learning.
        evaluation: paths of modules, such as "network.context.backbone", that are held in
            evaluation mode with everything in them, dropout and norms; "" is the whole model,
            whose auxiliary heads are off then.
        first_step: the first step at which ``batch_norm`` and ``evaluation`` hold; 0 or later.

    Raises:
        ValueError: in training, before step 0, for a path that the model does not have, or with
            ``heads_only`` or ``old_heads`` when it has no incremental head.
    """

    def __init__(
        self,
        *,
        batch_norm: bool = False,
        heads_only: bool = False,
        old_heads: bool = False,
        evaluation: Sequence[str] = (),
        first_step: int = 0,
    ) -> None:
        super().__init__()
        check_flags(batch_norm=batch_norm, heads_only=heads_only, old_heads=old_heads)
        check_whole("first_step", first_step)
        listed = isinstance(evaluation, Sequence) and not isinstance(evaluation, str)
        if not (listed and all(isinstance(path, str) for path in evaluation)):
            raise ValueError(
                f"evaluation={shown(evaluation)}; expected a list of paths, such as ['network']"
            )
        self.batch_norm = batch_norm
        self.heads_only = heads_only
        self.old_heads = old_heads
        self.evaluation = tuple(evaluation)
        self.first_step = first_step
        self._frozen: list[nn.Parameter] = []

    def before_training_exp(self, strategy: Any, **kwargs: Any) -> None:
        """Freeze parameters; an optimizer leaves those without gradient as they are."""
        for path in self.evaluation:  # At every step, so that a wrong one is told of at step 0.
            _submodule(strategy.model, path)
        heads = [m for m in strategy.model.modules() if isinstance(m, IncrementalHead)]
        if (self.heads_only or self.old_heads) and not heads:
            name = "heads_only" if self.heads_only else "old_heads"
            raise ValueError(
                f"{name}=True: {type(strategy.model).__name__} has no IncrementalHead, which tells "
                "the classifiers from the rest and the old ones from the new; use a "
                "SegmentationModel, such as BiSeNet(), or leave it out"
            )
        if not strategy.experience.previous_classes:
            return
        in_heads = {id(parameter) for head in heads for parameter in head.parameters()}
        n_old = len(strategy.experience.previous_classes)
        old = {id(parameter) for head in heads for parameter in _old_parameters(head, n_old)}
        for parameter in strategy.model.parameters():
            frozen = (self.heads_only and id(parameter) not in in_heads) or (
                self.old_heads and id(parameter) in old
            )
            if frozen and parameter.requires_grad:
                self._frozen.append(parameter.requires_grad_(False))

    def after_training_exp(self, strategy: Any, **kwargs: Any) -> None:
        """Thaw everything, so that every step makes the same optimizer."""
        for parameter in self._frozen:
            parameter.requires_grad_(True)
        self._frozen = []

    def before_training_epoch(self, strategy: Any, **kwargs: Any) -> None:
        """Put modules in evaluation mode; Avalanche puts the model in training mode every step."""
        if strategy.experience.current_experience < self.first_step:
            return
        for path in self.evaluation:
            _submodule(strategy.model, path).eval()
        if self.batch_norm:
            for module in strategy.model.modules():
                if isinstance(module, nn.modules.batchnorm._BatchNorm):
                    module.eval()


def _old_parameters(head: IncrementalHead, n_old: int) -> Iterator[nn.Parameter]:
    """Of the classifiers of the first ``n_old`` classes; the head may know later ones already."""
    known = list(itertools.accumulate(head.classes_per_step))
    for group, classifier in zip(head.groups, head.classifiers, strict=True):
        if group.kind != "extra" and known[group.step] <= n_old:
            yield from classifier.parameters()


def _submodule(model: nn.Module, path: str) -> nn.Module:
    try:
        return model.get_submodule(path)
    except AttributeError as error:
        known = ", ".join(name for name, _ in model.named_children())
        raise ValueError(
            f"evaluation={path!r}: the model has no such module ({error}); at the top it has "
            f"{known}"
        ) from error
