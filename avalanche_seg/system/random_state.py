"""The state of every random generator a training draws from."""

import random
from typing import Any

import numpy as np
import torch

__all__ = ["get_random_state", "set_random_state"]


def get_random_state() -> dict[str, Any]:
    """The states of Python's, NumPy's, torch's and this device's CUDA generator."""
    kind, keys, *rest = np.random.get_state(legacy=True)  # noqa: NPY002 - the global one is meant
    return {
        "python": random.getstate(),
        "numpy": (kind, torch.from_numpy(np.asarray(keys).astype(np.int64)), *rest),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state() if torch.cuda.is_initialized() else None,
    }


def set_random_state(state: dict[str, Any]) -> None:
    """Put the generators back where :func:`get_random_state` found them; CUDA's on this device.

    Example:
        >>> state = get_random_state()
        >>> first = torch.rand(2)
        >>> set_random_state(state)
        >>> torch.rand(2).equal(first)
        True
    """
    version, numbers, gauss = state["python"]
    random.setstate((version, tuple(numbers), gauss))
    kind, keys, *rest = state["numpy"]
    np.random.set_state((kind, keys.numpy().astype(np.uint32), *rest))  # noqa: NPY002
    torch.set_rng_state(state["torch"])
    if torch.cuda.is_initialized() and state["cuda"] is not None:
        torch.cuda.set_rng_state(state["cuda"])
