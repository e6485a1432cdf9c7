"""What networks and segmentation models return."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from torch import Tensor

__all__ = ["DenseFeatures", "SegmentationOutput", "as_output", "told"]


class DenseFeatures(NamedTuple):
    """Feature maps of a network: what the heads classify, and taps.

    Attributes:
        main: floating point, B x D x h x w.
        aux: the maps of the auxiliary heads, each B x D_i x h_i x w_i.
        taps: further maps by name, those that were asked for; not to be changed.

    Example:
        >>> import torch
        >>> features = DenseFeatures(torch.zeros(2, 8, 16, 16))
        >>> features.aux, features.taps
        ((), {})
    """

    main: Tensor
    aux: tuple[Tensor, ...] = ()
    taps: Mapping[str, Tensor] = {}


class SegmentationOutput(NamedTuple):
    """Output of a segmentation model.

    Attributes:
        logits: raw channels, floating point, B x C x h x w, at the model's own stride.
        aux: logits of the auxiliary heads, each B x C x h x w; empty in evaluation.
        features: maps by tap, each floating point, B x D x h x w, not to be changed: "head" is
            the map under the main head, "layer1" .. "layer4" are a ResNet's stages before their
            last activation. Which there are is up to :attr:`SegmentationModel.taps`.
    """

    logits: Tensor
    aux: tuple[Tensor, ...] = ()
    features: Mapping[str, Tensor] = {}

    def map(self, f: Callable[[Tensor], Tensor]) -> "SegmentationOutput":
        """The output with ``f`` applied to every tensor of it.

        Args:
            f: of a tensor, such as a change of type or device.

        Returns:
            a new output with the same auxiliary outputs and taps.

        Example:
            >>> import torch
            >>> output = SegmentationOutput(torch.zeros(1), features={"head": torch.ones(1)})
            >>> output.map(torch.Tensor.double).features["head"].dtype
            torch.float64
        """
        return SegmentationOutput(
            f(self.logits),
            tuple(f(level) for level in self.aux),
            {name: f(tap) for name, tap in self.features.items()},
        )


def as_output(output: object) -> SegmentationOutput:
    """The output of any model as a :class:`SegmentationOutput`.

    Args:
        output: a :class:`SegmentationOutput`, or a tensor: logits, B x C x h x w.

    Returns:
        the output as it is, or the tensor as logits without auxiliary outputs and features.

    Raises:
        TypeError: for anything else.

    Example:
        >>> import torch
        >>> as_output(torch.zeros(1, 2, 4, 4)).logits.shape
        torch.Size([1, 2, 4, 4])
    """
    if isinstance(output, SegmentationOutput):
        return output
    if isinstance(output, Tensor):
        return SegmentationOutput(output)
    raise TypeError(
        f"the model returned {told(output)}; expected logits (a tensor B x C x h x w) or a "
        "SegmentationOutput: make the network a model with as_incremental(network), or wrap it in "
        "a module that returns one of them"
    )


def told(output: object) -> str:
    """What an output is, in a few words.

    Example:
        >>> import torch
        >>> told({"masks": torch.zeros(1, 2)}), told(torch.zeros(2, 5))
        ('a dict with masks', 'a float32 tensor 2 x 5')
    """
    if isinstance(output, Tensor):
        size = " x ".join(map(str, output.shape))
        article = "an" if str(output.dtype).startswith("torch.int") else "a"
        return f"{article} {str(output.dtype).removeprefix('torch.')} tensor {size}"
    kind = type(output).__name__
    if isinstance(output, Mapping):
        return f"a {kind} with {', '.join(map(str, output))}"
    if isinstance(output, Sequence) and not isinstance(output, str) and output:
        return f"a {kind} that starts with {told(output[0])}"
    return "None" if output is None else f"a {kind}"
