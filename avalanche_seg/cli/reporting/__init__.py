"""One page about runs: curves, tables, pictures, published numbers."""

__all__ = []  # type: ignore[var-annotated]
