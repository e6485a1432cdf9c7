"""The settings of a run: flags, defaults, recipes, checks."""

__all__ = []  # type: ignore[var-annotated]
