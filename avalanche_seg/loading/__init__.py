"""From a data set to mini-batches: collation, seeded sampling, training and evaluation loaders."""

from avalanche_seg.loading.loaders import eval_loader, loader_options, train_loader
from avalanche_seg.loading.seeded import seeded_loader
from avalanche_seg.loading.workers import WorkerPool

__all__ = [
    "WorkerPool",
    "eval_loader",
    "loader_options",
    "seeded_loader",
    "train_loader",
]
