"""Images and masks that belong together by a key of their names."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from avalanche_seg.datasets.description import Split

__all__ = ["joined", "paired_split"]


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


def joined(first: Split, second: Split) -> Split:
    """The samples of two splits of one data set, one after the other, as one split.

    Raises:
        ValueError: when they have different extras.

    Example:
        >>> one, other = (Split(Path("d"), n, (Path(n),), (Path(n),)) for n in ("train", "val"))
        >>> joined(one, other).name, len(joined(one, other))
        ('train+val', 2)
    """
    if first.extras.keys() != second.extras.keys():
        raise ValueError(
            f"{first.root}: the split {first.name} has the extras {sorted(first.extras)} and "
            f"{second.name} {sorted(second.extras)}; expected the same, to join them"
        )
    return replace(
        first,
        name=f"{first.name}+{second.name}",
        images=first.images + second.images,
        masks=first.masks + second.masks,
        extras={name: files + second.extras[name] for name, files in first.extras.items()},
    )
