"""Data sets on the disk: descriptions, readers, decoding, mask statistics, image cache."""

from avalanche_seg.datasets.ade20k import UnlabelledIs, read_ade20k
from avalanche_seg.datasets.ade20k_download import download_ade20k
from avalanche_seg.datasets.bands import read_bands
from avalanche_seg.datasets.cityscapes import read_cityscapes, read_cityscapes_domains
from avalanche_seg.datasets.coco import from_coco
from avalanche_seg.datasets.decoding import UNREADABLE, read_extra, read_label_map
from avalanche_seg.datasets.description import PartitionRule, SegmentationFiles, Split
from avalanche_seg.datasets.domains import Domains
from avalanche_seg.datasets.extra_maps import with_extra_maps
from avalanche_seg.datasets.folder import read_folder
from avalanche_seg.datasets.image_cache import ImageCache, image_cache
from avalanche_seg.datasets.image_facts import channel_statistics
from avalanche_seg.datasets.images import image_head, read_image
from avalanche_seg.datasets.inspection import SplitFacts, inspect_split
from avalanche_seg.datasets.mask_scan import MaskStatistics
from avalanche_seg.datasets.mask_statistics import mask_statistics
from avalanche_seg.datasets.own_dataset import from_dataset
from avalanche_seg.datasets.own_folders import from_folders
from avalanche_seg.datasets.pairing import joined
from avalanche_seg.datasets.palette import check_palette, colorize, voc_palette
from avalanche_seg.datasets.readers import READERS, read_files, read_synthetic, reader_help
from avalanche_seg.datasets.rgb import as_rgb
from avalanche_seg.datasets.sample import Extras, Sample, is_map
from avalanche_seg.datasets.sources import Item, Source, content_of, image_of, mask_of
from avalanche_seg.datasets.suffixes import image_suffixes
from avalanche_seg.datasets.synthetic import make_synthetic_voc
from avalanche_seg.datasets.voc import find_folder, read_voc
from avalanche_seg.datasets.voc_download import download_voc

__all__ = [
    "Domains",
    "Extras",
    "ImageCache",
    "Item",
    "MaskStatistics",
    "PartitionRule",
    "READERS",
    "Sample",
    "SegmentationFiles",
    "Source",
    "Split",
    "SplitFacts",
    "UNREADABLE",
    "as_rgb",
    "channel_statistics",
    "UnlabelledIs",
    "check_palette",
    "colorize",
    "content_of",
    "download_ade20k",
    "download_voc",
    "find_folder",
    "from_coco",
    "from_dataset",
    "from_folders",
    "image_cache",
    "image_head",
    "image_of",
    "image_suffixes",
    "inspect_split",
    "is_map",
    "joined",
    "make_synthetic_voc",
    "mask_of",
    "mask_statistics",
    "read_ade20k",
    "read_bands",
    "read_cityscapes",
    "read_cityscapes_domains",
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
