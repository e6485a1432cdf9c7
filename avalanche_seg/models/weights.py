"""Weights that others have trained, from files of tensors by name."""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

__all__ = ["check_shapes", "fit_weights", "read_weights", "renamed"]


def read_weights(path: str | Path, expected: str) -> dict[str, Tensor]:
    """Read a state dict.

    Args:
        path: a .pth, .pt or .safetensors file.
        expected: what should be in it, for the messages.

    Returns:
        tensors by name.

    Raises:
        ValueError: for a file that is missing, unreadable or holds something else.

    Example:
        >>> path = getfixture("tmp_path") / "weights.pth"
        >>> torch.save({"bias": torch.zeros(2)}, path)
        >>> read_weights(path, "a state dict of a classifier")
        {'bias': tensor([0., 0.])}
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(
            f"weights={str(path)!r} is no file; expected None, 'imagenet', or the path of "
            f"{expected}"
        )
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
    shapes = {name: tuple(getattr(given[name], "shape", ())) for name in both}
    wrong = [name for name in both if tuple(own[name].shape) != shapes[name]]
    if wrong:
        first = wrong[0]
        raise ValueError(
            f"{where}: {len(wrong)} of {len(both)} weights have another shape, the first is "
            f"{first!r}: {shapes[first]}, not {tuple(own[first].shape)}; take weights "
            "of this network, or its arguments from where they come"
        )


def fit_weights(
    wanted: Mapping[str, Tensor], state: Mapping[str, Tensor], *, path: str | Path, name: str
) -> None:
    """Copy weights into a network's tensors, all of them or none.

    Counters of batch norm may be missing: files written by old versions of torch lack them.

    Args:
        wanted: the network's tensors by the file's names; changed in place.
        state: the file's, as from :func:`read_weights`.
        path: of the file, for the messages.
        name: of the network, for the messages.

    Raises:
        ValueError: where names or shapes differ, with the first that does and how many do.

    Example:
        >>> bias = torch.zeros(2)
        >>> fit_weights({"bias": bias}, {"bias": torch.ones(2)}, path="ones.pth", name="a layer")
        >>> bias
        tensor([1., 1.])
    """
    different = sorted(
        key for key in wanted.keys() ^ state.keys() if not key.endswith("num_batches_tracked")
    )
    if different:
        first = different[0]
        which = "is missing" if first in wanted else "is none of its names"
        raise ValueError(
            f"{path} does not fit {name}: {len(different)} keys differ, the first "
            f"is {first}, which {which}; expected torchvision's names: choose the network "
            "that the file was made of"
        )
    shared = sorted(wanted.keys() & state.keys())
    check_shapes({key: wanted[key] for key in shared}, state, f"{path} does not fit {name}")
    with torch.no_grad():
        for key in shared:
            wanted[key].copy_(state[key])


def renamed(state: Mapping[str, Tensor], prefixes: Mapping[str, str]) -> dict[str, Tensor]:
    """A state dict under other names.

    Args:
        state: tensors by name.
        prefixes: the new start of every name that starts so; other names stay.

    Example:
        >>> list(renamed({"stem.0.bias": torch.zeros(1)}, {"stem.0.": "conv1."}))
        ['conv1.bias']
    """
    names = {}
    for key in state:
        old = next((prefix for prefix in prefixes if key.startswith(prefix)), "")
        names[key] = prefixes.get(old, "") + key.removeprefix(old)
    return {names[key]: tensor for key, tensor in state.items()}
