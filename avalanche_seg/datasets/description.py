"""What a data set is: class names, and the image and mask files of its splits."""

from dataclasses import dataclass
from pathlib import Path

__all__ = ["SegmentationFiles", "Split"]


@dataclass(frozen=True)
class Split:
    """The image and mask files of one split, in the order of its list file."""

    root: Path
    split: str
    images: tuple[Path, ...]
    masks: tuple[Path, ...]

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True)
class SegmentationFiles:
    """A data set on the disk: its class names by dataset id, its train and its test split."""

    name: str
    class_names: tuple[str, ...]
    train: Split
    test: Split

    @property
    def n_foreground(self) -> int:
        """Number of foreground classes."""
        return len(self.class_names) - 1
