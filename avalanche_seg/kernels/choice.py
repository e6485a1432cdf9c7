"""Which kernels compute the losses of pixels."""

import importlib.util
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Literal, get_args

import torch
from torch import Tensor

from avalanche_seg.kernels.pixel_terms import PixelTerms
from avalanche_seg.kernels.sigmoid_terms import LabelSigmoid, TeacherSigmoid
from avalanche_seg.kernels.softmax_terms import SoftmaxTerms

__all__ = ["FUSED", "Kernels", "check_kernels", "fuses", "use_kernels"]

Kernels = Literal["auto", "tiles", "triton"]
"""Torch's operations on tiles, one kernel written in Triton, or the quicker of both."""

FUSED = (SoftmaxTerms, LabelSigmoid, TeacherSigmoid)
"""Whose losses the one kernel has."""

_chosen: ContextVar[Kernels] = ContextVar("kernels", default="auto")
_told: set[str] = set()
_LEAST_CAPABILITY = (8, 0)  # Its products are of three parts in tf32.
_MOST_CHANNELS = 512  # What a program of the kernel can hold.


@contextmanager
def use_kernels(kernels: Kernels) -> Iterator[None]:
    """Compute losses by other kernels within this block.

    "triton" computes the cross entropies and the distillations of softmax probabilities (those of
    fine-tuning, LwF, ILT and MiB) and of sigmoids (LwF-MC, SSUL, DKD) with their gradients by one
    kernel on a GPU, for maps that are not resized to less, up to 512 channels, in float32 and half
    precision. Everything else, and everything under ``torch.use_deterministic_algorithms``, is
    computed by tiles: the kernel adds up gradients in no fixed order. "auto" is "triton" on GPUs of
    compute capability 8.0 and more where the kernel can be compiled, and "tiles" elsewhere.

    Args:
        kernels: "auto", "tiles" or "triton".

    Raises:
        ValueError: for another name.

    Warns:
        UserWarning: once, where "triton" was asked for and there is no Triton, or no GPU, and where
            a GPU's kernel cannot be compiled: then tiles compute the losses.

    Example:
        >>> from avalanche_seg.losses import cross_entropy
        >>> with use_kernels("tiles"):
        ...     loss = cross_entropy(torch.zeros(1, 2, 1, 1), torch.tensor([[[1]]]))
        >>> round(loss.item(), 4)
        0.6931
    """
    token = _chosen.set(check_kernels(kernels))
    try:
        yield
    finally:
        _chosen.reset(token)


def check_kernels(kernels: Kernels) -> Kernels:
    """The name, unless it is unknown: that is a ValueError."""
    if kernels not in get_args(Kernels):
        raise ValueError(
            f"kernels={kernels!r} is unknown; expected one of {', '.join(get_args(Kernels))}"
        )
    return kernels


def fuses(terms: PixelTerms, logits: Tensor, teacher: Tensor | None, size: tuple[int, int]) -> bool:
    """Whether losses are computed by the one kernel; says once why not, where it was asked for."""
    chosen = _chosen.get()
    if chosen == "tiles" or not isinstance(terms, FUSED):
        return False
    if not _has_triton():
        return _tell(chosen, "Triton is not installed (it comes with torch's builds for CUDA)")
    interprets = chosen == "triton" and os.environ.get("TRITON_INTERPRET") == "1"
    if logits.device.type != "cuda" and not interprets:
        return _tell(chosen, f"the logits are on {logits.device.type}, and Triton needs a GPU")
    maps = [logits] if teacher is None else [logits, teacher]
    return (
        (chosen == "triton" or _runs_on(logits.device))
        and all(one.dtype in (torch.float32, torch.float16, torch.bfloat16) for one in maps)
        and logits.shape[1] <= _MOST_CHANNELS
        and all(now <= then for now, then in zip(logits.shape[-2:], size, strict=True))
        and not torch.are_deterministic_algorithms_enabled()
    )


@cache
def _has_triton() -> bool:
    return importlib.util.find_spec("triton") is not None


@cache
def _runs_on(device: torch.device) -> bool:
    """Whether a GPU is new enough and a small problem of the kernel runs there."""
    from avalanche_seg.kernels.fused import fused_sweep  # Imports Triton.

    if torch.cuda.get_device_capability(device) < _LEAST_CAPABILITY:
        return False
    logits = torch.zeros(1, 2, 1, 1, device=device)
    target = torch.zeros(1, 1, 1, dtype=torch.int64, device=device)
    try:
        fused_sweep(SoftmaxTerms(1, distil=False), (1, 1), logits, None, target)
    except Exception as error:  # There may be no C compiler, for one.
        warnings.warn(
            f"Triton's kernel does not run on {device} ({type(error).__name__}: {error}); the "
            "losses are computed by tiles, which takes longer; kernels='tiles' spares this message",
            stacklevel=2,
        )
        return False
    return True


def _tell(chosen: Kernels, reason: str) -> bool:
    if chosen == "triton" and reason not in _told:
        _told.add(reason)
        warnings.warn(
            f"kernels='triton': {reason}; the losses are computed by tiles as with kernels='tiles'",
            stacklevel=2,
        )
    return False
