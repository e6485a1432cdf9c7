"""The dense output of any segmentation network."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from avalanche_seg.models.output import told

__all__ = ["dense_output"]

_NAMES = ("out", "logits")
_REMEDY = (
    "expected logits B x C x h x w: a tensor, a dict or object with 'out' or 'logits', or a tuple "
    "that starts with them; wrap the network in a module that returns one of them"
)


def dense_output(output: object) -> Tensor:
    """The logits in what a network returns.

    Args:
        output: a tensor; a mapping with the key "out" or "logits", or with one entry; an object
            with such an attribute; or a tuple or list whose first entry is one of these.

    Returns:
        floating point, B x C x h x w.

    Raises:
        ValueError: for anything else, such as the tokens of a transformer.

    Example:
        >>> import torch
        >>> dense_output({"out": torch.zeros(1, 5, 4, 4), "aux": torch.zeros(1)}).shape
        torch.Size([1, 5, 4, 4])
    """
    found = _logits(output)
    if not isinstance(found, Tensor):
        raise ValueError(f"the network returned {told(output)}; {_REMEDY}")
    if found.ndim != 4 or not found.is_floating_point():
        kind = " (tokens?)" if found.ndim == 3 and found.is_floating_point() else ""
        raise ValueError(
            f"the network returned {told(found)}{kind}, which is no map of logits; {_REMEDY}"
        )
    return found


def _logits(output: object) -> object:
    if isinstance(output, Mapping):
        named = [output[name] for name in _NAMES if name in output]
        return (named or [*output.values()])[0] if named or len(output) == 1 else None
    for name in _NAMES:
        if getattr(output, name, None) is not None:
            return getattr(output, name)
    if isinstance(output, Sequence) and not isinstance(output, str) and output:
        return _logits(output[0])
    return output
