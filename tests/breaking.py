"""A training that breaks off as if it were killed."""

from avalanche_seg.plugins import SegmentationPlugin


class BrokenOffError(Exception):
    """What stands for a kill."""


class BreakOff(SegmentationPlugin):
    """Raises before the forward pass number ``at`` of the process."""

    def __init__(self, at):
        super().__init__()
        self.left = at

    def before_forward(self, strategy, **kwargs):
        self.left -= 1
        if self.left == 0:
            raise BrokenOffError
