"""Weights from the user's disk."""

import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

__all__ = ["check_shapes", "load_pretrained", "read_state_dict"]

_IN_FOLDERS = ("model.safetensors", "pytorch_model.bin")
_COUNTER = "num_batches_tracked"  # Of batch norm; files written by old versions of torch lack it.


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """Tensors by name from a file; nothing in it is run.

    Args:
        path: of ``torch.save`` or safetensors.

    Raises:
        ValueError: when it cannot be read, or holds something else.
    """
    try:
        if path.suffix == ".safetensors":
            state = load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # Each loader has its own exceptions for a damaged file.
        raise ValueError(
            f"{path} cannot be read as a state dict ({type(error).__name__}); expected a .pth, .pt "
            "or .safetensors file of tensors by name"
        ) from error
    if not (isinstance(state, dict) and all(isinstance(key, str) for key in state)):
        raise ValueError(
            f"{path} holds a {type(state).__name__}; expected a state dict, tensors by name"
        )
    return state


def check_shapes(own: Mapping[str, Tensor], given: Mapping[str, Tensor], where: object) -> None:
    """Refuse weights of another shape.

    Args:
        own: a network's state dict.
        given: what is to be loaded.
        where: it is from, for the message.

    Raises:
        ValueError: naming the first that differs, and how many there are.

    Example:
        >>> check_shapes({"w": torch.zeros(2, 3)}, {"w": torch.zeros(2, 4)}, "a.pt")
        ... # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ValueError: a.pt: 1 of 1 weights have another shape, the first is 'w': (2, 4), not (2, 3)...
    """
    both = [name for name in own if name in given]
    wrong = [name for name in both if own[name].shape != given[name].shape]
    if wrong:
        first = wrong[0]
        raise ValueError(
            f"{where}: {len(wrong)} of {len(both)} weights have another shape, the first is "
            f"{first!r}: {tuple(given[first].shape)}, not {tuple(own[first].shape)}; take weights "
            "of this network, or its arguments from where they come"
        )


def load_pretrained(network: nn.Module, path: Path, *, body: str) -> None:
    """Load weights into a network, or into its backbone alone; a warning says what is missing.

    Names that the network does not have, such as those of another classifier, are left out.

    Args:
        network: that is changed.
        path: a file as in :func:`read_state_dict`, or a folder of the Hugging Face libraries.
        body: path of the backbone, which takes weights under its own names.

    Raises:
        ValueError: when no name fits, or shapes differ.
    """
    if path.is_dir():
        path = next((path / name for name in _IN_FOLDERS if (path / name).is_file()), path)
    if not path.is_file():
        raise ValueError(
            f"weights={str(path)!r} is no file, nor a folder with {' or '.join(_IN_FOLDERS)}; "
            "expected None, 'imagenet', or the path of a state dict"
        )
    given = read_state_dict(path)
    part = network
    if not part.state_dict().keys() & given.keys():
        part = network.get_submodule(body)
    own = part.state_dict()
    shared = [name for name in own if name in given]
    if not shared:
        raise ValueError(
            f"{path} does not fit {type(network).__name__}: it has no weight of its names, such as "
            f"{next(iter(network.state_dict()), '')!r}, but {next(iter(given), 'nothing')!r}"
        )
    check_shapes(own, given, path)
    missing = [name for name in own if name not in given and not name.endswith(_COUNTER)]
    if missing:
        warnings.warn(
            f"{path} lacks {len(missing)} of {len(own)} weights of {type(part).__name__}, which "
            f"start from random values; the first is {missing[0]!r}",
            stacklevel=2,
        )
    part.load_state_dict({name: given[name] for name in shared}, strict=False)
