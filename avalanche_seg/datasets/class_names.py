"""Class names of data sets that bring none: made from the values of their masks."""

from collections.abc import Mapping, Sequence

import numpy as np

from avalanche_seg.datasets.description import Split
from avalanche_seg.datasets.mask_statistics import known_scan
from avalanche_seg.datasets.mask_values import MaskValues
from avalanche_seg.labels import VOID, WIDE_VOID, ZeroIs

__all__ = ["named", "numbered_names"]

_ANY = MaskValues(WIDE_VOID)  # Every value has an id.


def numbered_names(ids: list[int], zero_is: ZeroIs) -> tuple[str, ...]:
    """Names "class 1", "class 2", ... up to the largest dataset id.

    65535 is void, and 255 where no id is larger.

    Args:
        ids: the dataset ids that there are, ascending.
        zero_is: what 0 means; it is named after it.

    Example:
        >>> numbered_names([0, 2, 255], "background")
        ('background', 'class 1', 'class 2')
        >>> len(numbered_names([0, 255, 300], "class"))
        301
    """
    classes = [i for i in ids if i != WIDE_VOID]
    if not any(i > VOID for i in classes):
        classes = [i for i in classes if i != VOID]
    n_ids = max(classes, default=0) + 1
    zero = "class 0" if zero_is == "class" else zero_is
    return (zero, *(f"class {i}" for i in range(1, n_ids)))


def named(
    splits: Sequence[Split],
    zero_is: ZeroIs,
    label_map: Mapping[int, int] | None,
    void_ids: Sequence[int],
    *,
    progress: bool = True,
) -> tuple[str, ...]:
    """Numbered names for the ids of a label map, or for the values that the masks hold.

    Args:
        splits: of the data set; without a label map their masks are scanned.
        zero_is: what the id 0 means.
        label_map: dataset id by value, or None.
        void_ids: values that are void.
        progress: show a progress bar during a scan.

    Raises:
        ValueError: as :func:`avalanche_seg.datasets.mask_statistics`.
    """
    if label_map is not None:
        return numbered_names(sorted(set(label_map.values())), zero_is)
    scans = [known_scan(split, values=_ANY, progress=progress) for split in splits]
    shown = np.unique(np.concatenate([one.counts.values for one in scans])).tolist()
    return numbered_names([value for value in shown if value not in void_ids], zero_is)
