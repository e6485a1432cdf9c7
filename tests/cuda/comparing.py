"""The same thing on two devices."""

from typing import Any

import torch
from torch import Tensor


def on(device: torch.device, thing: Any) -> Any:
    """Tensors, and lists and dicts of them, copied to a device; leaves keep ``requires_grad``."""
    if isinstance(thing, Tensor):
        return thing.detach().to(device, copy=True).requires_grad_(thing.requires_grad)
    if isinstance(thing, dict):
        return {name: on(device, value) for name, value in thing.items()}
    if isinstance(thing, list | tuple):
        return type(thing)(on(device, part) for part in thing)
    return thing


def assert_same(found: Any, expected: Any, device: torch.device, **tolerances: float) -> None:
    """Tensors on the device, as those on the CPU up to the order of sums."""
    if isinstance(found, Tensor):
        assert found.device.type == device.type
    limits = {"rtol": 1e-5, "atol": 1e-6} | tolerances
    torch.testing.assert_close(found, expected, check_device=False, **limits)
