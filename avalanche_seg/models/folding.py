"""Batch norms in evaluation mode, folded into the convolutions before them."""

import copy
import inspect
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

__all__ = ["fold_batch_norms"]

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_CONVOLVE = (torch.conv1d, torch.conv2d, torch.conv3d)
_ARGUMENTS = inspect.signature(F.batch_norm)
# What may be asked of a convolution's result without depending on its values.
_HARMLESS = {
    *(torch.Tensor.dim, torch.Tensor.size, torch.Tensor.numel, torch.Tensor.is_contiguous),
    *(
        getattr(torch.Tensor, name).__get__
        for name in ("shape", "ndim", "dtype", "device", "is_cuda", "requires_grad")
    ),
}


@torch.no_grad()
def fold_batch_norms(model: nn.Module, images: Tensor) -> nn.Module:
    """A model in evaluation mode without the batch norms that follow a convolution.

    y = g (W x + b - m) / sqrt(v + eps) + h is a convolution with weights W g / sqrt(v + eps), so
    the result is the model's up to rounding. Which norm follows which convolution is watched in one
    forward pass. So any network will do, scale and shift are those that the norm really uses (such
    as a scale's absolute value), and what is not certain stays: a convolution whose result or
    weights something else reads too, one that is called twice, a norm that does more.

    Args:
        model: in evaluation mode; it is not changed.
        images: one or more that it takes.

    Returns:
        a copy that shares all parameters and buffers but the folded ones, so the model must stay
        as it is.

    Example:
        >>> _ = torch.manual_seed(0)
        >>> model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.ReLU()).eval()
        >>> images = torch.randn(1, 3, 2, 2)
        >>> folded = fold_batch_norms(model, images)
        >>> bool(torch.allclose(folded(images), model(images), atol=1e-6))
        True
        >>> bool(torch.equal(folded[0](images), folded[1](folded[0](images))))
        True
    """
    pairs = _followed(model, images)
    shared = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}
    folded = copy.deepcopy(model, shared)
    for convolution, norm, arguments in pairs:
        _fold_into(folded.get_submodule(convolution), arguments)
        # Its attributes stay, and so does every other name under which the network calls it.
        folded.get_submodule(norm).forward = _unchanged
    return folded


def _unchanged(maps: Tensor) -> Tensor:
    return maps


def _fold_into(convolution: nn.Module, norm: Mapping[str, Any]) -> None:
    """Scale a convolution's weights, and give it the bias of a norm."""
    weight, bias = convolution.weight, convolution.bias
    assert isinstance(weight, Tensor)
    scale = (norm["running_var"].double() + norm["eps"]).rsqrt()
    if norm["weight"] is not None:
        scale = scale * norm["weight"].double()
    shift = -norm["running_mean"].double() * scale
    if isinstance(bias, Tensor):
        shift = shift + bias.double() * scale
    if norm["bias"] is not None:
        shift = shift + norm["bias"].double()
    scaled = weight.double() * scale.view(-1, *[1] * (weight.ndim - 1))
    for name, value in (("weight", scaled), ("bias", shift)):
        setattr(convolution, name, nn.Parameter(value.to(weight.dtype), requires_grad=False))


def _followed(model: nn.Module, images: Tensor) -> list[tuple[str, str, Mapping[str, Any]]]:
    """Names of convolutions and the norms that alone read their results, with their arguments."""
    modules = dict(model.named_modules())
    norms = {n: m for n, m in modules.items() if isinstance(m, nn.modules.batchnorm._BatchNorm)}
    calls: dict[str, list[tuple[Any, Any]]] = {name: [] for name in norms}
    hooks = [
        norm.register_forward_hook(
            lambda _, inputs, output, seen=calls[name]: seen.append((inputs[0], output))
        )
        for name, norm in norms.items()
    ]
    watch = _Watch()
    try:
        with torch.autocast(images.device.type, enabled=False), watch:
            model(images)
    finally:
        for hook in hooks:
            hook.remove()
    weights = {id(m.weight): n for n, m in modules.items() if isinstance(m, _CONVOLUTIONS)}
    found = []
    for name, seen in calls.items():
        if len(seen) != 1:
            continue
        (given, returned), norm = seen[0], norms[name]
        convolution = weights.get(id(watch.convolved.get(id(given))))
        arguments = watch.normed.get(id(returned))
        if (
            convolution is not None
            and arguments is not None
            and arguments["input"] is given
            and arguments["running_mean"] is norm.running_mean
            and not arguments["training"]
            and watch.uses[id(given)] == watch.uses[id(modules[convolution].weight)] == 1
        ):
            found.append((convolution, name, arguments))
    return found


@dataclass
class _Watch(TorchFunctionMode):
    """Watches which tensors functions read, and what convolutions and batch norms return.

    Attributes:
        uses: how many functions read a tensor, by identity.
        convolved: the weights behind a convolution's result.
        normed: the arguments behind a batch norm's result.
    """

    uses: Counter[int] = field(default_factory=Counter)
    convolved: dict[int, Tensor] = field(default_factory=dict)
    normed: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    _kept: list[Any] = field(default_factory=list)  # Else another tensor might get an identity.

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        if func not in _HARMLESS:
            self.uses.update(id(tensor) for tensor in _tensors((args, kwargs)))
        if func in _CONVOLVE:
            weight = kwargs["weight"] if "weight" in kwargs else args[1]
            self.convolved[id(result)] = weight
            self.uses[id(result)] = 0  # A tensor that is gone may have had the identity.
            self._kept.append((result, weight))
        elif func is F.batch_norm:
            bound = _ARGUMENTS.bind(*args, **kwargs)
            bound.apply_defaults()
            self.normed[id(result)] = bound.arguments
            self._kept.append((result, bound.arguments))
        return result


def _tensors(values: Any) -> Iterator[Tensor]:
    """The tensors in nested tuples, lists and mappings."""
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, Mapping):
        yield from _tensors(list(values.values()))
    elif isinstance(values, list | tuple):
        for value in values:
            yield from _tensors(value)
