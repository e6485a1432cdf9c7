"""Loggers that Avalanche lacks: every metric to a CSV file, or to Weights & Biases."""

from avalanche_seg.loggers.csv_logger import MetricsCSVLogger, text_cell
from avalanche_seg.loggers.wandb_logger import MetricsWandBLogger, import_wandb

__all__ = [
    "MetricsCSVLogger",
    "MetricsWandBLogger",
    "import_wandb",
    "text_cell",
]
