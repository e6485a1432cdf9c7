"""What every plugin here has in common."""

from typing import Any

from avalanche.core import SupervisedPlugin

__all__ = ["SegmentationPlugin"]


class SegmentationPlugin(SupervisedPlugin):
    """A supervised plugin that declares support for distributed training.

    Avalanche resets the declaration in every subclass; the plugins here hold the same state on
    every rank, so it is made once.
    """

    def __init_subclass__(cls, supports_distributed: bool = True, **kwargs: Any) -> None:
        super().__init_subclass__(supports_distributed=supports_distributed, **kwargs)
