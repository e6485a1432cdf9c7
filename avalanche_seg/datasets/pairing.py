"""Images and masks that belong together by a key of their names."""

from collections.abc import Mapping
from pathlib import Path

from avalanche_seg.datasets.description import Split

__all__ = ["paired_split"]


def paired_split(
    root: Path, name: str, images: Mapping[str, Path], masks: Mapping[str, Path]
) -> Split:
    """A split of images and masks with equal keys, in the order of the keys.

    Args:
        root: the data set's folder.
        name: of the split.
        images: image files by key.
        masks: mask files by key.

    Raises:
        ValueError: when there is none, or naming one whose other half is missing.

    Example:
        >>> split = paired_split(Path("d"), "train", {"a": Path("a.jpg")}, {"a": Path("a.png")})
        >>> split.masks
        (PosixPath('a.png'),)
    """
    if not images and not masks:
        raise ValueError(f"{root}: the split {name} has no image and no mask; restore its files")
    for of, others, other in ((images, masks, "mask"), (masks, images, "image")):
        alone = sorted(of.keys() - others.keys())
        if alone:
            more = f" and {len(alone) - 1} more" if len(alone) > 1 else ""
            raise ValueError(
                f"{root}: {of[alone[0]]}{more} of the split {name} has no {other}; expected one "
                "for every file: restore what is missing, or remove the file"
            )
    keys = sorted(images)
    return Split(root, name, tuple(images[key] for key in keys), tuple(masks[key] for key in keys))
