"""Parts of the model that do not learn."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from torch import nn

from avalanche_seg.models import IncrementalHead, SegmentationModel
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
        norm_affine: from ``first_step`` on, weights and biases of batch norms do not learn.
        roles: from ``first_step`` on, parameters of these roles do not learn, whatever the
            optimizer; see :meth:`avalanche_seg.models.SegmentationModel.parameter_roles`.
        evaluation: paths of modules, such as "network.context.backbone", that are held in
            evaluation mode with everything in them, dropout and norms; "" is the whole model,
            whose auxiliary heads are off then.
        first_step: the first step at which all but ``heads_only`` hold; 0 or later.

    Raises:
        ValueError: in training, before step 0, for a path or a role that the model does not have,
            or with ``heads_only`` or ``old_heads`` when it has no incremental head.
    """

    def __init__(
        self,
        *,
        batch_norm: bool = False,
        heads_only: bool = False,
        old_heads: bool = False,
        norm_affine: bool = False,
        roles: Sequence[str] = (),
        evaluation: Sequence[str] = (),
        first_step: int = 0,
    ) -> None:
        super().__init__()
        check_flags(batch_norm=batch_norm, heads_only=heads_only)
        check_flags(old_heads=old_heads, norm_affine=norm_affine)
        check_whole("first_step", first_step)
        self.batch_norm = batch_norm
        self.heads_only = heads_only
        self.old_heads = old_heads
        self.norm_affine = norm_affine
        self.roles = _names("roles", roles, "roles, such as ['body']")
        self.evaluation = _names("evaluation", evaluation, "paths, such as ['network']")
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
        frozen: list[Any] = _of_roles(strategy.model, self.roles)  # As the paths.
        if self.norm_affine:
            frozen += [p for norm in _norms(strategy.model) for p in norm.parameters()]
        if strategy.experience.current_experience < self.first_step:
            frozen = []
        n_old = len(strategy.experience.previous_classes)
        if self.heads_only and n_old > 0:
            kept = {id(parameter) for head in heads for parameter in head.parameters()}
            frozen += [p for p in strategy.model.parameters() if id(p) not in kept]
        if self.old_heads and n_old > 0:
            frozen += [p for head in heads for p in _old_parameters(head, n_old)]
        for parameter in frozen:
            if parameter.requires_grad:
                self._frozen.append(parameter.requires_grad_(False))
                parameter.grad = None

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
            for norm in _norms(strategy.model):
                norm.eval()


def _names(argument: str, given: Any, expected: str) -> tuple[str, ...]:
    listed = isinstance(given, Sequence) and not isinstance(given, str)
    if not (listed and all(isinstance(name, str) for name in given)):
        raise ValueError(f"{argument}={shown(given)}; expected a list of {expected}")
    return tuple(given)


def _norms(model: nn.Module) -> list[nn.Module]:
    return [m for m in model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]


def _of_roles(model: nn.Module, roles: Sequence[str]) -> list[nn.Parameter]:
    if not roles:
        return []
    if not isinstance(model, SegmentationModel):
        raise ValueError(
            f"roles={list(roles)}: {type(model).__name__} has no method parameter_roles; use a "
            "SegmentationModel, such as BiSeNet(), or name modules by evaluation="
        )
    parameters = model.parameter_roles()
    unknown = sorted(set(roles) - set(parameters))
    if unknown:
        raise ValueError(
            f"roles: the model has no role {unknown[0]!r}; expected some of {', '.join(parameters)}"
        )
    return [parameter for role in roles for parameter in parameters[role]]


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
