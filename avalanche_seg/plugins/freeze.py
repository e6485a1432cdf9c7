"""Parts of the model that do not learn."""

from collections.abc import Sequence
from typing import Any

from torch import nn

from avalanche_seg.models import IncrementalHead
from avalanche_seg.plugins.base import SegmentationPlugin

__all__ = ["FreezePlugin"]


class FreezePlugin(SegmentationPlugin):
    """Freezes parameters, and holds modules in evaluation mode.

    Args:
        batch_norm: keep the statistics of every batch norm as they are, and use them.
        heads_only: from the second step on, train the incremental heads alone.
        evaluation: paths of modules, such as "network.context.backbone", that are held in
            evaluation mode with everything in them, dropout and norms; "" is the whole model,
            whose auxiliary heads are off then.
        first_step: the first step at which ``batch_norm`` and ``evaluation`` hold; 0 or later.

    Raises:
        ValueError: in training, for a path that the model does not have.
    """

    def __init__(
        self,
        *,
        batch_norm: bool = False,
        heads_only: bool = False,
        evaluation: Sequence[str] = (),
        first_step: int = 0,
    ) -> None:
        super().__init__()
        self.batch_norm = batch_norm
        self.heads_only = heads_only
        self.evaluation = tuple(evaluation)
        self.first_step = first_step
        self._frozen: list[nn.Parameter] = []

    def before_training_exp(self, strategy: Any, **kwargs: Any) -> None:
        """Freeze all but the heads; an optimizer leaves parameters without gradient as they are."""
        if not self.heads_only or not strategy.experience.previous_classes:
            return
        heads = [m for m in strategy.model.modules() if isinstance(m, IncrementalHead)]
        kept = {id(parameter) for head in heads for parameter in head.parameters()}
        for parameter in strategy.model.parameters():
            if parameter.requires_grad and id(parameter) not in kept:
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


def _submodule(model: nn.Module, path: str) -> nn.Module:
    try:
        return model.get_submodule(path)
    except AttributeError as error:
        known = ", ".join(name for name, _ in model.named_children())
        raise ValueError(
            f"evaluation={path!r}: the model has no such module ({error}); at the top it has "
            f"{known}"
        ) from error
