"""From a data set to mini-batches: collation, seeded sampling, training and evaluation loaders."""

from avalanche_seg.loading.batch import batch_extras, split_batch, to_device
from avalanche_seg.loading.collate import collate
from avalanche_seg.loading.loaders import eval_loader, loader_options, train_loader
from avalanche_seg.loading.seeded import seeded_loader

__all__ = [
    "batch_extras",
    "collate",
    "eval_loader",
    "loader_options",
    "seeded_loader",
    "split_batch",
    "to_device",
    "train_loader",
]
