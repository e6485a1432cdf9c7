"""The command line: ``avalanche-seg run | compare | report | predict``."""

__all__ = []
