"""Images to look at a network with."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from avalanche_seg.models.adapting.network import padded_to
from avalanche_seg.models.adapting.outputs import dense_output
from avalanche_seg.system import check_wholes

__all__ = ["CANNOT_RUN", "example_images", "looked_at"]

_SIDES = (64, 128, 224, 384, 512)
CANNOT_RUN = (RuntimeError, TypeError, IndexError, AssertionError, ValueError, AttributeError)
"""What a network raises that cannot run on some images."""


def example_images(
    network: nn.Module, example: Tensor | tuple[int, ...], multiple_of: int
) -> Tensor:
    """Images to look at a network with.

    Args:
        network: whose device and type they get.
        example: normalised images B x 3 x H x W, or their size.
        multiple_of: as in :class:`TappedNetwork`.

    Returns:
        the images, padded to the multiple; from a seed of their own when only a size was given.
    """
    if not isinstance(example, Tensor):
        example = torch.randn(example, generator=torch.Generator().manual_seed(0))
    own = next(network.parameters(), torch.zeros(()))
    return padded_to(example.to(device=own.device, dtype=own.dtype), multiple_of)


def looked_at(
    network: nn.Module,
    example: Tensor | Sequence[int] | None,
    multiple_of: int,
    in_channels: int = 3,
) -> tuple[Tensor, Tensor]:
    """Images, and the whole network's logits on them.

    Args:
        network: in evaluation mode.
        example: as in :func:`example_images`; None: two square images of the first of 64, 128,
            224, 384 and 512 pixels that runs.
        multiple_of: as in :class:`TappedNetwork`.
        in_channels: of images that are made here.

    Raises:
        ValueError: when the network does not run, or returns something else than logits.
    """
    tries: list[Tensor | tuple[int, ...]] = [(2, in_channels, side, side) for side in _SIDES]
    if example is not None:
        sides = example.shape if isinstance(example, Tensor) else example
        if len(check_wholes("example", sides, least=1)) != 4:
            raise ValueError(
                f"example is {tuple(sides)}; expected images B x 3 x H x W, or their size"
            )
        tries = [example if isinstance(example, Tensor) else tuple(example)]
    for size in tries:
        images = example_images(network, size, multiple_of)
        try:
            with torch.no_grad():
                output = network(images)
        except CANNOT_RUN as error:
            failed = error
            continue
        return images, dense_output(output)
    raise ValueError(
        f"{type(network).__name__} does not run on images {tuple(images.shape)}: {failed}; pass "
        "multiple_of=32 (say) for one that needs such sizes, in_channels=... for one that takes "
        "other than three channels, or images that it takes, example=..."
    ) from failed
