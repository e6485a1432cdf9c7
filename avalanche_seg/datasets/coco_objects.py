"""Objects given as polygons or run lengths, drawn into a mask."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["draw_objects", "object_mask"]

_OUTSIDE = 1.0  # Pixels by which a polygon may leave its image, as tools round.


def draw_objects(
    objects: Sequence[Mapping[str, Any]],
    size: tuple[int, int],
    number: Mapping[Any, int],
    *,
    void: int,
    what: str,
) -> NDArray[Any]:
    """Draw objects over each other: crowds first, then the largest to the smallest.

    Args:
        objects: annotations with "category_id", "segmentation" and, of crowds, "iscrowd".
        size: (H, W) of the image.
        number: dataset id by category.
        void: what crowds become.
        what: names the image in messages.

    Returns:
        uint8, or uint16 where void is above 255, H x W; 0 where no object is.

    Raises:
        ValueError: as :func:`object_mask`.
    """
    dtype = np.uint8 if void <= np.iinfo(np.uint8).max else np.uint16
    mask = np.zeros(size, dtype=dtype)
    drawn = []
    for one in objects:
        covered = object_mask(one, size, what)
        crowd = bool(one.get("iscrowd"))
        value = void if crowd else number[one["category_id"]]
        drawn.append((not crowd, -int(covered.sum()), value, covered))
    for *_, value, covered in sorted(drawn, key=lambda one: one[:2]):
        mask[covered] = value
    return mask


def object_mask(annotation: Mapping[str, Any], size: tuple[int, int], what: str) -> NDArray[Any]:
    """The pixels of one object, bool, H x W, as pycocotools draws them.

    Args:
        annotation: with "segmentation": polygons, each x0, y0, x1, y1, ...; or run lengths
            {"size": [H, W], "counts": numbers or text}.
        size: (H, W) of the image.
        what: names the image in messages.

    Raises:
        ValueError: for other outlines, or one that leaves the image; without pycocotools.
    """
    coco = _import_mask()
    entry = f"{what}: annotation {annotation.get('id')}"
    outline = annotation.get("segmentation")
    if isinstance(outline, Mapping):
        if list(outline.get("size", ())) != list(size):
            raise ValueError(
                f"{entry} has run lengths of size {outline.get('size')} in an image of "
                f"{list(size)}; expected the same height and width"
            )
        coded = coco.frPyObjects(outline, *size) if _is_list(outline["counts"]) else outline
    else:
        _check_polygons(outline, size, entry)
        coded = coco.merge(coco.frPyObjects(outline, *size))
    covered: NDArray[Any] = coco.decode(coded).astype(bool)
    return covered


def _is_list(counts: Any) -> bool:
    return isinstance(counts, list)


def _check_polygons(outline: Any, size: tuple[int, int], entry: str) -> None:
    if not isinstance(outline, list) or not outline:
        raise ValueError(
            f"{entry} has no outline (segmentation); expected polygons or run lengths: export "
            "segmentations, not boxes alone, or remove it"
        )
    for polygon in outline:
        if not isinstance(polygon, list) or len(polygon) < 6 or len(polygon) % 2:
            raise ValueError(f"{entry} has a polygon of fewer than three points; remove it")
        points = np.array(polygon, dtype=np.float64).reshape(-1, 2)
        height, width = size
        beyond = np.maximum(-points, points - (width, height)).max()
        if not beyond <= _OUTSIDE:
            raise ValueError(
                f"{entry} has a polygon outside its image of {width}x{height} pixels (x "
                f"{points[:, 0].min():g}..{points[:, 0].max():g}, y {points[:, 1].min():g}.."
                f"{points[:, 1].max():g}); correct it, or the image's width and height"
            )


def _import_mask() -> Any:
    try:
        from pycocotools import mask
    except ImportError as error:
        raise ValueError(
            "COCO's outlines need the package pycocotools; install it by pip install \""
            'avalanche-seg[coco]"'
        ) from error
    return mask
