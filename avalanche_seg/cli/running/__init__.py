"""Training and testing a method step by step, and what a run leaves."""

__all__ = []
