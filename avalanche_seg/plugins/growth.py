"""Whether a model's channels fit the steps that it is to learn."""

from typing import Any

from avalanche.models import DynamicModule
from torch import nn

__all__ = ["brings_classes", "check_channels", "check_growth", "grows"]

_REMEDY = "make it one whose heads grow, as_incremental(network), or use another, such as BiSeNet()"


def grows(model: nn.Module) -> bool:
    """Whether any part of a model can grow when Avalanche adapts it to a step.

    Example:
        >>> grows(nn.Conv2d(3, 21, 1))
        False
    """
    return any(isinstance(module, DynamicModule) for module in model.modules())


def brings_classes(experience: Any) -> bool:
    """Whether a step has classes that no earlier one had; else it brings other images alone.

    Example:
        >>> from types import SimpleNamespace
        >>> brings_classes(SimpleNamespace(classes_in_this_experience=[2], previous_classes=[0, 1]))
        True
    """
    return not set(experience.classes_in_this_experience) <= set(experience.previous_classes)


def check_growth(
    model: nn.Module,
    n_channels: int,
    *,
    n_old: int,
    n_seen: int,
    n_total: int,
    counts_classes: str | None = None,
) -> None:
    """Refuse a model that has no channel for a class of this step, or of a later one.

    Args:
        model: after it was adapted to the step.
        n_channels: classes that it gives scores for now.
        n_old: classes before the step, background included.
        n_seen: classes after the step.
        n_total: classes after the last step.
        counts_classes: what tells old channels from new ones by their number, as every
            distillation does; None where nothing does.

    Raises:
        ValueError: when there are fewer channels than classes of the step; for a model that does
            not grow, also when there are fewer than classes of all steps, or when a step brings
            classes after others and something counts on growth.

    Example:
        >>> check_growth(nn.Conv2d(3, 21, 1), 21, n_old=0, n_seen=16, n_total=21)
        >>> check_growth(nn.Conv2d(3, 16, 1), 16, n_old=0, n_seen=16, n_total=21)
        ... # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ValueError: model: Conv2d has 16 channels and no head that grows; expected one for each ...
    """
    name = type(model).__name__
    if grows(model):
        if n_channels < n_seen:
            raise ValueError(
                f"model: {name} has {n_channels} channels after it was adapted; expected "
                f"{n_seen}, one for each class of this step and the earlier ones: {_REMEDY}"
            )
        return
    if n_channels < n_total:
        raise ValueError(
            f"model: {name} has {n_channels} channels and no head that grows; expected one for "
            f"each of the {n_total} classes of all steps: {_REMEDY}"
        )
    grew_before = n_old > 0 and (n_old < n_seen or n_channels > n_seen)
    if counts_classes is not None and (grew_before or n_seen < n_total):
        raise ValueError(
            f"model: {name} has {n_channels} channels from the start and no head that grows; "
            f"{counts_classes} tells old channels from new ones and expects {n_seen} after this "
            f"step: {_REMEDY}, or train with FineTuning"
        )


def check_channels(strategy: Any, *, counts_classes: str | None = None) -> None:
    """Check the output of the strategy's current batch; see :func:`check_growth`.

    Args:
        strategy: any Avalanche strategy that is training, after its forward pass.
        counts_classes: as in :func:`check_growth`.

    Raises:
        ValueError: as :func:`check_growth`.
    """
    experience, model = strategy.experience, strategy.model
    old = list(experience.previous_classes)
    seen = [*old, *experience.classes_in_this_experience]
    logits = getattr(strategy.mb_output, "logits", strategy.mb_output)
    check_growth(
        model,
        getattr(model, "n_classes", logits.shape[1]),
        n_old=len(old),
        n_seen=max(seen) + 1,
        n_total=max([*seen, *(experience.future_classes or ())]) + 1,
        counts_classes=counts_classes,
    )
