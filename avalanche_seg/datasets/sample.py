"""One sample: an image, its label map, and named extras."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from torch import Tensor

__all__ = ["Extras", "Sample", "is_map"]


class Extras(dict[str, Tensor]):
    """The extras of a sample or a batch; they move like a tensor, as Avalanche expects of a part.

    Example:
        >>> import torch
        >>> Extras(saliency=torch.zeros(2)).to("cpu", non_blocking=True)
        {'saliency': tensor([0., 0.])}
    """

    def to(self, *args: Any, **kwargs: Any) -> "Extras":
        """The same with every tensor moved; arguments as ``Tensor.to``."""
        return Extras({name: value.to(*args, **kwargs) for name, value in self.items()})


class Sample(NamedTuple):
    """An image with its label map, and whatever else is known about it by name.

    Data sets and batches hold plain tuples, see :meth:`parts`, because loops that know nothing of
    extras unpack an image and a label map.

    Attributes:
        image: uint8, 3 x H x W, RGB; float32 after a transform that normalises.
        labels: uint8, H x W; int64 after a transform that normalises.
        extras: by name. Tensors H x W (or more dimensions before these) are maps and move with the
            image in every joint transform; vectors and scalars stay as they are.

    Example:
        >>> import torch
        >>> image, labels = torch.zeros(3, 2, 2), torch.zeros(2, 2)
        >>> len(Sample(image, labels).parts())
        2
        >>> len(Sample(image, labels, {"saliency": labels}).parts())
        3
    """

    image: Tensor
    labels: Tensor
    extras: Mapping[str, Tensor] = {}

    def parts(self) -> tuple[Any, ...]:
        """``(image, labels)`` or, when there are extras, ``(image, labels, extras)``."""
        if not self.extras:
            return self.image, self.labels
        return self.image, self.labels, Extras(self.extras)


def is_map(extra: Tensor) -> bool:
    """Whether an extra has a height and a width, so that it moves with the image.

    Example:
        >>> import torch
        >>> is_map(torch.zeros(4, 5)), is_map(torch.zeros(4))
        (True, False)
    """
    return extra.dim() >= 2
