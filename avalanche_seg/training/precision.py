"""Mixed precision: where it is entered, and how gradients are scaled and checked."""

from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from avalanche_seg.models import SegmentationOutput, as_output

__all__ = ["AMP_MODES", "AmpMode", "Precision"]

AmpMode = Literal["off", "bf16", "fp16"]
"""Types of mixed precision."""

AMP_MODES = get_args(AmpMode)


class Precision:
    """Runs models in full or mixed precision; what comes out is float32, so losses are exact.

    Args:
        amp: "off", "bf16", or "fp16": the type of the network's convolutions. With "fp16" the loss
            is scaled, and an iteration whose gradient overflows changes nothing.
        device: the device that models run on.

    Raises:
        ValueError: for another ``amp``.
    """

    def __init__(self, amp: AmpMode, device: torch.device) -> None:
        if amp not in AMP_MODES:
            raise ValueError(f"amp={amp!r} is unknown; expected one of {', '.join(AMP_MODES)}")
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
