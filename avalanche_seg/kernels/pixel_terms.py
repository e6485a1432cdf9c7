"""The interface between the tile-wise sweep and the losses it computes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

__all__ = ["PixelTerms", "Pixels"]


@dataclass(frozen=True)
class Pixels:
    """What losses need to know of a tile; n images, R x W pixels.

    Attributes:
        scores: the logits, n x C x R x W; may be overwritten.
        labels: int64, n x R x W; None for losses that need none.
        teacher: the teacher's logits, n x K x R x W; may be overwritten; None for losses that need
            none.
        spare: memory to work in, of the shape of the scores.
        bound: no score, teacher's included, is larger in absolute value; infinity if unknown.
    """

    scores: Tensor
    labels: Tensor | None
    teacher: Tensor | None
    spare: Tensor
    bound: float


class PixelTerms(Protocol):
    """One or more losses of pixels, computed together, each with its gradient.

    Every loss is there twice: fast, for a tile, with its gradient and in place; and as the plain
    formula, whose gradient is torch's.
    """

    @property
    def n_terms(self) -> int:
        """How many losses."""

    def __call__(self, pixels: Pixels, *, gradient: bool) -> Iterator[tuple[Tensor, Tensor | None]]:
        """Losses and gradients of a tile of pixels.

        Args:
            pixels: the tile.
            gradient: whether the gradients are wanted.

        Yields:
            for each loss its map n x R x W, and its gradient with regard to the scores, n x C x R x
            W, or None; the caller may overwrite it, and asking for the next loss does.
        """

    def plain(
        self, scores: Tensor, labels: Tensor | None, teacher: Tensor | None
    ) -> tuple[Tensor, ...]:
        """The same losses by torch's own operations, none in place.

        Args:
            scores: B x C x H x W.
            labels: int64, B x H x W; None for losses that need none.
            teacher: B x K x H x W; None for losses that need none.

        Returns:
            for each loss its map B x H x W.
        """
