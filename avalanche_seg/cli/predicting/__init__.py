"""Label maps and overlays of one's own images by a saved model."""

__all__ = []  # type: ignore[var-annotated]
