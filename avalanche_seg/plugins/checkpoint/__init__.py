"""Training that can be stopped anywhere and goes on to the same weights."""

from avalanche_seg.plugins.checkpoint.arithmetic import ArithmeticLog
from avalanche_seg.plugins.checkpoint.plugin import CheckpointPlugin
from avalanche_seg.plugins.checkpoint.resuming import grow, on_device, stateful_plugins
from avalanche_seg.plugins.checkpoint.state_file import read_state, write_state

__all__ = [
    "ArithmeticLog",
    "CheckpointPlugin",
    "grow",
    "on_device",
    "read_state",
    "stateful_plugins",
    "write_state",
]
