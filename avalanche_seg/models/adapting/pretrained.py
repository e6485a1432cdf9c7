"""Weights of other libraries' networks from the user's disk."""

import warnings
from pathlib import Path

from torch import nn

from avalanche_seg.models.weights import check_shapes, read_weights

__all__ = ["load_pretrained"]

_IN_FOLDERS = ("model.safetensors", "pytorch_model.bin")
_COUNTER = "num_batches_tracked"  # Of batch norm; files written by old versions of torch lack it.


def load_pretrained(network: nn.Module, path: Path, *, body: str) -> None:
    """Load weights into a network, or into its backbone alone; a warning says what is missing.

    Names that the network does not have, such as those of another classifier, are left out.

    Args:
        network: that is changed.
        path: a file as in :func:`~avalanche_seg.models.weights.read_weights`, or a folder of the
            Hugging Face libraries.
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
    given = read_weights(path, f"a state dict of {type(network).__name__}")
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
