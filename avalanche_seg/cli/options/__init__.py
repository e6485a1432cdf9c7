"""The settings of a run: flags, defaults, recipes, checks."""

__all__ = []
