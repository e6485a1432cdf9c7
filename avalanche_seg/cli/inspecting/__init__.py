"""A data set looked at before anyone trains."""

__all__ = []
