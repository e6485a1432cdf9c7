"""Which images belong to which step, and which classes they show there.

Pure functions of a presence table (images x dataset ids) and the steps of a task; see
:mod:`avalanche_seg.datasets.mask_statistics` for the table. Definitions: MiB (Cermelli et al.,
CVPR 2020, section 4) for overlapped, disjoint and sequential.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from avalanche_seg.benchmarks.options import OldLabels, Setting, Steps, check_options
from avalanche_seg.labels import BACKGROUND

__all__ = [
    "hold_out",
    "seen_test_images",
    "train_images",
    "visible_steps",
]

BoolTable = NDArray[np.bool_]
Indices = NDArray[np.int64]
_VOID_COLUMN = -1


def train_images(
    presence: BoolTable,
    steps: Steps,
    setting: Setting,
    *,
    partition: Steps | None = None,
    seed: int = 0,
    background_id: int | None = BACKGROUND,
) -> list[Indices]:
    """The training images of every step.

    - overlapped: the image has a pixel of a class of the step.
    - disjoint, sequential: overlapped, and every label of the image is old, new, background or
      void.
    - partitioned: every image belongs to one step only. Without ``partition``, an image goes to one
      of the steps whose classes it shows, drawn uniformly with ``seed``; an image that shows no
      class of any step belongs to none.

    Args:
        presence: bool, N x 256, or wider for more than 255 ids; ``presence[i, v]`` = image i has a
            pixel of dataset id v, and the last column is void.
        steps: dataset ids by step, background left out.
        setting: see :data:`avalanche_seg.benchmarks.options.Setting`.
        partition: only with "partitioned": the image indices of every step.
        seed: seed of the drawn partition.
        background_id: the dataset id of the background; None where masks have none.

    Returns:
        Ascending image indices by step, int64.

    Raises:
        ValueError: for an unknown setting or a partition that does not fit.

    Example:
        >>> presence = np.zeros((3, 256), dtype=bool)
        >>> presence[0, 1] = presence[1, 2] = presence[2, [1, 2]] = True
        >>> [i.tolist() for i in train_images(presence, [[1], [2]], "overlapped")]
        [[0, 2], [1, 2]]
        >>> [i.tolist() for i in train_images(presence, [[1], [2]], "disjoint")]
        [[0], [1, 2]]
    """
    check_options(setting=setting)
    if partition is not None and setting != "partitioned":
        raise ValueError(
            f"got a partition with setting={setting!r}; pass setting='partitioned' or no partition"
        )
    has_new = np.stack([presence[:, list(step)].any(axis=1) for step in steps], axis=1)
    if setting == "overlapped":
        return [np.flatnonzero(column) for column in has_new.T]
    if setting == "partitioned":
        if partition is not None:
            return _given_partition(partition, len(steps), len(presence))
        return _drawn_partition(has_new, seed)
    chosen = []
    for step in range(len(steps)):
        known = [_VOID_COLUMN, *(c for group in steps[: step + 1] for c in group)]
        known += [] if background_id is None else [background_id]
        has_unknown = np.delete(presence, known, axis=1).any(axis=1)
        chosen.append(np.flatnonzero(has_new[:, step] & ~has_unknown))
    return chosen


def visible_steps(setting: Setting, old_labels: OldLabels, step: int) -> range:
    """The steps whose classes a training mask of ``step`` shows.

    Example:
        >>> visible_steps("disjoint", "hidden", 2), visible_steps("disjoint", "visible", 2)
        (range(2, 3), range(0, 3))
    """
    shows_old = setting == "sequential" or old_labels == "visible"
    return range(0 if shows_old else step, step + 1)


def seen_test_images(presence: BoolTable, steps: Steps, step: int) -> Indices:
    """Test images with a pixel of a foreground class learned at ``step`` or before."""
    seen = [class_id for group in steps[: step + 1] for class_id in group]
    return np.flatnonzero(presence[:, seen].any(axis=1))


def hold_out(
    chosen: Sequence[Indices], fraction: float, *, n_images: int, seed: int
) -> tuple[list[Indices], list[Indices]]:
    """Split the training images of every step into train and validation.

    One seeded order of the whole training set decides: step t holds out the round(fraction * n_t)
    of its images that come first in it. So an image that is held out at one step is, but for those
    near the cut, held out at every step it appears in.

    Args:
        chosen: image indices by step.
        fraction: share held out, in [0, 1).
        n_images: size of the training set.
        seed: seed of the order.

    Returns:
        (train, validation), ascending image indices by step.

    Raises:
        ValueError: when the fraction is out of range or leaves a step without a training or
            validation image.

    Example:
        >>> train, valid = hold_out([np.arange(10)], 0.2, n_images=10, seed=0)
        >>> len(train[0]), len(valid[0])
        (8, 2)
    """
    if not 0.0 <= fraction < 1.0:
        raise ValueError(f"val_fraction={fraction} is out of range; expected 0 <= val_fraction < 1")
    if fraction == 0.0:
        return list(chosen), [indices[:0] for indices in chosen]
    rank = np.random.default_rng(seed).permutation(n_images)
    train, valid = [], []
    for step, indices in enumerate(chosen):
        n_valid = round(fraction * len(indices))
        if not 0 < n_valid < len(indices):
            raise ValueError(
                f"val_fraction={fraction} holds out {n_valid} of the {len(indices)} images of step "
                f"{step}; choose a fraction that leaves both parts at least one image"
            )
        by_rank = indices[np.argsort(rank[indices])]
        valid.append(np.sort(by_rank[:n_valid]))
        train.append(np.sort(by_rank[n_valid:]))
    return train, valid


def _drawn_partition(has_new: BoolTable, seed: int) -> list[Indices]:
    # The largest of independent uniform draws over the candidate steps is a uniform choice.
    draws = np.random.default_rng(seed).random(has_new.shape)
    owner = np.where(has_new, draws, -1.0).argmax(axis=1)
    owner[~has_new.any(axis=1)] = -1
    return [np.flatnonzero(owner == step) for step in range(has_new.shape[1])]


def _given_partition(partition: Steps, n_steps: int, n_images: int) -> list[Indices]:
    if len(partition) != n_steps:
        raise ValueError(f"partition has {len(partition)} lists; expected {n_steps}, one per step")
    owned = np.concatenate([np.asarray(part, dtype=np.int64) for part in partition])
    values, counts = np.unique(owned, return_counts=True)
    if (counts > 1).any():
        raise ValueError(
            f"partition holds the images {values[counts > 1][:5].tolist()} twice; give each image "
            "to one step"
        )
    if len(values) and (values[0] < 0 or values[-1] >= n_images):
        outside = values[(values < 0) | (values >= n_images)][:5].tolist()
        raise ValueError(
            f"partition holds the indices {outside}; expected 0..{n_images - 1}, the training "
            "images"
        )
    return [np.sort(np.asarray(part, dtype=np.int64)) for part in partition]
