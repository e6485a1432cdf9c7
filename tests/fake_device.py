"""A GPU that computes nothing, and a watch on it that lets nobody wait.

Tensors on it have shapes, types and places but no values (torch's fake tensors, or meta tensors).
So a step of training runs without a GPU and takes the ways that it would take on one. What would
have to know a value fails: that is where the host waits for the device.
"""

import copy
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensor,
    FakeTensorMode,
)
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from avalanche_seg import normalization
from avalanche_seg.kernels import pooled_norms, resize

needs_fake_gpu = pytest.mark.skipif(
    torch.version.cuda is None, reason="this torch was built without CUDA, fake GPUs included"
)

CUDA, META = torch.device("cuda", 0), torch.device("meta")

_ATEN = torch.ops.aten
# Their results depend on values, in number or as a number of the host's.
_READS = {
    _ATEN._local_scalar_dense,
    _ATEN.bincount,
    _ATEN.equal,
    _ATEN.masked_select,
    _ATEN.nonzero,
    _ATEN.unique_consecutive,
    _ATEN._unique2,
    _ATEN.unique_dim,
}
_INDEXED = {_ATEN.index, _ATEN.index_put, _ATEN.index_put_}


class WaitError(AssertionError):
    """Something on the way made the host wait for the device, or could not run there."""


class Watch(TorchDispatchMode):
    """Fails at every operation that waits for a device, or takes tensors of two."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        given = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        away = [tensor for tensor in given if tensor.device.type != "cpu"]
        packet = func.overloadpacket
        if packet is _ATEN._to_copy or packet is _ATEN.copy_:
            _check_copy(packet, args, kwargs)
        elif away:
            if packet in _READS:
                raise WaitError(f"{packet} reads a value of the device")
            # A number in a tensor of the host's goes along with the call; more is a copy.
            if any(tensor.device.type == "cpu" and tensor.ndim > 0 for tensor in given):
                raise WaitError(f"{packet} takes tensors of two devices")
            if packet in _INDEXED and _by_mask(packet, args):
                raise WaitError(f"{packet} by a mask: the size of the result depends on values")
        try:
            return func(*args, **kwargs)
        except (DataDependentOutputException, DynamicOutputShapeException) as error:
            raise WaitError(f"{packet} depends on values of the device") from error


def _by_mask(packet, args):
    masks = any(i is not None and i.dtype in (torch.bool, torch.uint8) for i in args[1])
    # One number for all is filled in.
    return masks and (packet is _ATEN.index or args[2].numel() > 1)


def _check_copy(packet, args, kwargs):
    if packet is _ATEN.copy_:
        to, source = args[:2]
        to_device = to.device
        non_blocking = kwargs.get("non_blocking", args[2] if len(args) > 2 else False)
    else:
        source = args[0]
        to_device = torch.device(kwargs.get("device") or source.device)
        non_blocking = kwargs.get("non_blocking", False)
    if to_device.type == source.device.type:
        return
    if to_device.type == "cpu":
        raise WaitError(f"{packet} from the device")
    if not non_blocking and not (packet is _ATEN.copy_ and source.ndim == 0):
        raise WaitError(f"{packet} to the device without non_blocking=True")


@contextmanager
def watched(mode: FakeTensorMode | None) -> Iterator[None]:
    """Watch what happens on fake tensors, or, without a mode, on meta tensors."""
    with ExitStack() as stack:
        for cached in _CACHES:  # A tensor of another device must not come out of them, nor stay.
            cached.cache_clear()
            stack.callback(cached.cache_clear)
        if mode is None:
            stack.enter_context(patch.object(torch, "autocast", _no_autocast))
        else:
            # Or mixed precision is switched off where there is no GPU.
            cuda = torch.cuda
            stack.enter_context(
                patch.object(cuda.amp.common, "amp_definitely_not_available", lambda: False)
            )
            stack.enter_context(patch.object(cuda, "is_bf16_supported", lambda: True))
            stack.enter_context(mode)
        stack.enter_context(Watch())
        yield


_CACHES = (
    normalization._statistics,
    normalization._row_statistics,
    pooled_norms.__globals__["_pooling_of"],
    resize.bilinear_matrix,
)


@contextmanager
def _no_autocast(*args: Any, **kwargs: Any) -> Iterator[None]:
    """Meta tensors have no mixed precision."""
    yield


def moved(tensor: Tensor, mode: FakeTensorMode | None) -> Tensor:
    """A tensor's twin without values, on the fake GPU, or, without a mode, on "meta"."""
    twin = torch.empty_strided(tensor.size(), tensor.stride(), dtype=tensor.dtype, device=META)
    if mode is not None:
        twin = FakeTensor(mode, twin, CUDA)
    if isinstance(tensor, nn.Parameter):
        twin = nn.Parameter(twin, requires_grad=tensor.requires_grad)
    return twin


def twin_of(thing: Any, mode: FakeTensorMode | None, keep: tuple[Any, ...] = ()) -> Any:
    """A deep copy whose tensors are on the device; ``keep`` is not copied."""

    def deepcopy(tensor: Tensor, memo: dict[int, Any]) -> Tensor:
        if id(tensor) not in memo:
            memo[id(tensor)] = moved(tensor, mode)
        return memo[id(tensor)]

    memo = {id(part): part for part in keep}
    with (
        patch.object(Tensor, "__deepcopy__", deepcopy),
        patch.object(nn.Parameter, "__deepcopy__", deepcopy),
    ):
        return copy.deepcopy(thing, memo)


def on_host(thing: Any, mode: FakeTensorMode | None) -> Any:
    """A batch as a loader gives it: on the host, but, within a mode, as fake as everything else."""
    if isinstance(thing, Tensor):
        return thing if mode is None else mode.from_tensor(thing)
    if isinstance(thing, dict):
        return {name: on_host(value, mode) for name, value in thing.items()}
    return [on_host(part, mode) for part in thing]


class _Context(SimpleNamespace):
    """What a custom function's forward leaves to its backward."""

    def save_for_backward(self, *tensors: Any) -> None:
        self.saved_tensors = tensors


def with_backward(function: type) -> Callable[..., Any]:
    """``apply`` of an autograd function that runs its backward at once.

    Torch's engine does not run on fake GPU tensors, so the package's own backward passes are run by
    hand there, and the whole graph's on "meta".
    """
    original = function.apply

    def apply(*args: Any) -> Any:
        if torch.is_grad_enabled():
            context = _Context()
            with torch.no_grad():
                result = function.forward(context, *args)
                results = result if isinstance(result, tuple) else (result,)
                function.backward(context, *(torch.ones_like(r) for r in results))
        return original(*args)

    return apply


def zero_gradients(model: nn.Module) -> None:
    """Gradients as a backward pass leaves them."""
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.grad = torch.zeros_like(parameter)
