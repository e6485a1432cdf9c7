"""The command line: ``avalanche-seg run | data | compare | report | predict``."""

from avalanche_seg.cli.recipes import recipe

__all__ = ["recipe"]
