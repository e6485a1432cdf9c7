"""Label maps and overlays of one's own images by a saved model."""

__all__ = []
