"""Mixed precision: where it is entered, and how gradients are scaled and checked."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, get_args

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from avalanche_seg.models import SegmentationOutput, as_output

__all__ = ["AMP_MODES", "AmpMode", "Precision", "has_instructions", "resolve_amp"]

AmpMode = Literal["off", "bf16", "fp16", "auto"]
"""Types of mixed precision; "auto" is what the device computes in, see :func:`resolve_amp`."""

AMP_MODES = get_args(AmpMode)

# What a processor must have: one of these, on x86 and on ARM, as torch.cpu.get_capabilities() or
# /proc/cpuinfo call them.
_INSTRUCTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "bf16": ("avx512_bf16", "amx_bf16", "avx_ne_convert", "bf16", "sve_bf16", "svebf16"),
    "fp16": ("avx512_fp16", "amx_fp16", "fp16_arith", "asimdhp"),
}
_CPUINFO = Path("/proc/cpuinfo")


def has_instructions(amp: str, capabilities: Mapping[str, Any]) -> bool:
    """Whether a processor computes in a type of mixed precision itself, instead of emulating it.

    Args:
        amp: "bf16" or "fp16".
        capabilities: of the processor by name, as ``torch.cpu.get_capabilities()`` gives them.

    Example:
        >>> has_instructions("bf16", {"avx2": True, "avx512_bf16": False})
        False
    """
    return any(capabilities.get(name, False) for name in _INSTRUCTIONS[amp])


def resolve_amp(amp: AmpMode, device: torch.device) -> AmpMode:
    """The precision that "auto" stands for on a device; any other stays.

    A GPU with bf16 and a processor with instructions for it take "bf16", which has the range of
    float32; an older GPU takes "fp16"; everything else, on which both are emulated, "off".

    Args:
        amp: of a strategy.
        device: that it trains on.

    Raises:
        ValueError: for an unknown ``amp``.

    Example:
        >>> resolve_amp("fp16", torch.device("cpu")), resolve_amp("auto", torch.device("meta"))
        ('fp16', 'off')
    """
    if amp not in AMP_MODES:
        raise ValueError(f"amp={amp!r} is unknown; expected one of {', '.join(AMP_MODES)}")
    if amp != "auto":
        return amp
    if _computes_in("bf16", device):
        return "bf16"
    return "fp16" if device.type == "cuda" and torch.cuda.is_available() else "off"


def _computes_in(amp: str, device: torch.device) -> bool | None:
    """Whether a device has instructions for a type; None where nothing tells."""
    if device.type == "cpu":
        capabilities = _capabilities()
        return None if capabilities is None else has_instructions(amp, capabilities)
    if device.type == "cuda" and torch.cuda.is_available():
        return amp == "fp16" or torch.cuda.is_bf16_supported(including_emulation=False)
    return None


def _capabilities() -> Mapping[str, Any] | None:
    """Of this processor, from torch, or from Linux where torch is too old to tell."""
    if hasattr(torch.cpu, "get_capabilities"):
        return torch.cpu.get_capabilities()
    if not _CPUINFO.is_file():
        return None
    lines = _CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
    found = (line.partition(":")[2] for line in lines if line.startswith(("flags", "Features")))
    return dict.fromkeys(next(found, "").split(), True)


def _warn_if_emulated(amp: str, device: torch.device) -> None:
    if _computes_in(amp, device) is False:
        kind = "processor" if device.type == "cpu" else "GPU"
        warnings.warn(
            f"amp={amp!r}: this {kind} has no {amp} instructions and emulates them, which is "
            "slower than full precision (bf16 on a processor: about three times); say amp='off', "
            "or amp='auto', which takes what the device has",
            stacklevel=2,
        )


class Precision:
    """Runs models in full or mixed precision; what comes out is float32, so losses are exact.

    Args:
        amp: "off", "bf16", or "fp16": the type of the network's convolutions; "auto": see
            :func:`resolve_amp`. With "fp16" the loss is scaled, and an iteration whose gradient
            overflows changes nothing; to know it, every iteration waits for the device.
        device: the device that models run on.

    Attributes:
        amp: the type, "off", "bf16" or "fp16".

    Warns:
        UserWarning: when the device has no instructions for the type: then it is slower.

    Raises:
        ValueError: for another ``amp``.
    """

    def __init__(self, amp: AmpMode, device: torch.device) -> None:
        self.amp = amp = resolve_amp(amp, device)
        if amp != "off":
            _warn_if_emulated(amp, device)
        self.device_type = device.type
        self.enabled = amp != "off"
        self._dtype = torch.float16 if amp == "fp16" else torch.bfloat16
        self.scaler = torch.amp.GradScaler(self.device_type, enabled=amp == "fp16")

    def run(self, model: nn.Module, images: Tensor) -> SegmentationOutput:
        """The model's output on a batch of float images; half types are widened to float32."""
        if not self.enabled:
            return as_output(model(images))
        with torch.autocast(self.device_type, self._dtype):
            output = as_output(model(images))
        return output.map(Tensor.float)

    def backward(self, loss: Tensor, *, retain_graph: bool) -> None:
        """The backward pass, scaled when the precision asks for it."""
        self.scaler.scale(loss).backward(retain_graph=retain_graph)

    def unscale(self, optimizer: Optimizer) -> bool:
        """Give all gradients their true size; False when one overflowed and the update is off."""
        if not self.scaler.is_enabled():
            return True
        self.scaler.unscale_(optimizer)
        gradients = [
            parameter.grad
            for group in optimizer.param_groups
            for parameter in group["params"]
            if parameter.grad is not None
        ]
        return bool(torch.nn.utils.get_total_norm(gradients).isfinite())

    def update(self, optimizer: Optimizer) -> None:
        """The optimizer's step; with scaling it is left out after an overflow."""
        self.scaler.step(optimizer)
        self.scaler.update()
