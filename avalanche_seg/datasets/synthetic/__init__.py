"""A small made-up VOC, for tests, examples and dry runs."""

from avalanche_seg.datasets.synthetic.devkit import make_synthetic_voc

__all__ = [
    "make_synthetic_voc",
]
