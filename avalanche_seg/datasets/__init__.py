"""Data sets on the disk: descriptions, readers, decoding, mask statistics, image cache."""

from avalanche_seg.datasets.decoding import UNREADABLE, read_extra, read_label_map
from avalanche_seg.datasets.description import SegmentationFiles, Split
from avalanche_seg.datasets.extra_maps import with_extra_maps
from avalanche_seg.datasets.folder import read_folder
from avalanche_seg.datasets.image_cache import ImageCache, image_cache
from avalanche_seg.datasets.images import image_head, read_image
from avalanche_seg.datasets.mask_scan import MaskStatistics
from avalanche_seg.datasets.mask_statistics import mask_statistics
from avalanche_seg.datasets.palette import colorize, voc_palette
from avalanche_seg.datasets.readers import READERS, read_files, read_synthetic, reader_help
from avalanche_seg.datasets.sample import Extras, Sample, is_map
from avalanche_seg.datasets.suffixes import image_suffixes
from avalanche_seg.datasets.synthetic import make_synthetic_voc
from avalanche_seg.datasets.voc import find_folder, read_voc
from avalanche_seg.datasets.voc_download import download_voc

__all__ = [
    "Extras",
    "ImageCache",
    "MaskStatistics",
    "READERS",
    "Sample",
    "SegmentationFiles",
    "Split",
    "UNREADABLE",
    "colorize",
    "download_voc",
    "find_folder",
    "image_cache",
    "image_head",
    "image_suffixes",
    "is_map",
    "make_synthetic_voc",
    "mask_statistics",
    "read_extra",
    "read_files",
    "read_folder",
    "read_image",
    "read_label_map",
    "read_synthetic",
    "read_voc",
    "reader_help",
    "voc_palette",
    "with_extra_maps",
]
