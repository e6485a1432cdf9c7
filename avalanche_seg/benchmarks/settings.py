"""Which images belong to which step, and which classes they show there.

Pure functions of a presence table (images x dataset ids) and the steps of a task; see
:mod:`avalanche_seg.datasets.mask_statistics` for the table. Definitions: MiB (Cermelli et al.,
CVPR 2020, section 4) for overlapped, disjoint and sequential.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from avalanche_seg.labels import BACKGROUND, VOID

__all__ = [
    "OLD_LABELS",
    "SETTINGS",
    "check_setting",
    "hold_out",
    "seen_test_images",
    "train_images",
    "visible_steps",
]

SETTINGS = ("disjoint", "overlapped", "sequential", "partitioned")
OLD_LABELS = ("hidden", "visible")

BoolTable = NDArray[np.bool_]
Indices = NDArray[np.int64]
Steps = Sequence[Sequence[int]]


def check_setting(setting: str, old_labels: str) -> None:
    """Raise ValueError for an unknown setting or label mode, listing the known ones."""
    if setting not in SETTINGS:
        raise ValueError(f"setting={setting!r} is unknown; expected one of {', '.join(SETTINGS)}")
    if old_labels not in OLD_LABELS:
        raise ValueError(
            f"old_labels={old_labels!r} is unknown; expected one of {', '.join(OLD_LABELS)}"
        )


def train_images(
    presence: BoolTable,
    steps: Steps,
    setting: str,
    *,
    partition: Sequence[Sequence[int]] | None = None,
    seed: int = 0,
) -> list[Indices]:
    """The training images of every step.

    - overlapped: the image has a pixel of a class of the step.
    - disjoint, sequential: overlapped, and every label of the image is old, new, background or
      void.
    - partitioned: every image belongs to one step only. Without ``partition``, an image goes to one
      of the steps whose classes it shows, drawn uniformly with ``seed``; an image that shows no
      class of any step belongs to none.

    Args:
        presence: bool, N x 256; ``presence[i, v]`` = image i has a pixel of value v.
        steps: dataset ids by step, background left out.
        setting: one of ``SETTINGS``.
        partition: only with "partitioned": the image indices of every step.
        seed: seed of the drawn partition.

    Returns:
        Ascending image indices by step, int64.

    Raises:
        ValueError: for an unknown setting or a partition that does not fit.
    """
    check_setting(setting, "hidden")
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
        known = [BACKGROUND, VOID, *(c for group in steps[: step + 1] for c in group)]
        has_unknown = np.delete(presence, known, axis=1).any(axis=1)
        chosen.append(np.flatnonzero(has_new[:, step] & ~has_unknown))
    return chosen


def visible_steps(setting: str, old_labels: str, step: int) -> range:
    """The steps whose classes a training mask of ``step`` shows."""
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


def _given_partition(
    partition: Sequence[Sequence[int]], n_steps: int, n_images: int
) -> list[Indices]:
    if len(partition) != n_steps:
        raise ValueError(f"partition has {len(partition)} lists; expected {n_steps}, one a step")
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
