"""One page about runs: curves, tables, pictures, published numbers."""

__all__ = []
