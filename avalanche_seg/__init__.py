"""Class-incremental semantic segmentation for Avalanche."""

__version__ = "0.1.0"
