"""Which images stand for which class: pure functions of counts and features."""

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

__all__ = [
    "Selection",
    "assign",
    "herding_order",
    "largest_order",
    "random_order",
    "take_in_turns",
]

Selection = Literal["random", "largest", "herding"]
"""How exemplars are chosen among the images that show a class."""


def random_order(candidates: Sequence[int], rng: np.random.Generator) -> list[int]:
    """The candidates in a random order."""
    return rng.permutation(np.asarray(candidates, dtype=np.int64)).tolist()


def largest_order(candidates: Sequence[int], areas: Sequence[int]) -> list[int]:
    """The candidates by falling area of the class, in pixels; equal ones in their order.

    Example:
        >>> largest_order([7, 8, 9], [10, 30, 20])
        [8, 9, 7]
    """
    return [candidates[i] for i in np.argsort(-np.asarray(areas), kind="stable")]


def herding_order(candidates: Sequence[int], features: NDArray[np.float64]) -> list[int]:
    """The candidates in iCaRL's order (Rebuffi et al., CVPR 2017, algorithm 4).

    One after the other, the candidate whose feature brings the mean of those chosen so far nearest
    to the mean of all.

    Args:
        candidates: image indices.
        features: one row per candidate; rows are scaled to length 1 first.

    Example:
        >>> herding_order([7, 8, 9], np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]))
        [8, 7, 9]
    """
    rows = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
    mean = rows.mean(axis=0)
    left, total = list(range(len(candidates))), np.zeros_like(mean)
    order: list[int] = []
    while left:
        distances = np.linalg.norm(mean - (total + rows[left]) / (len(order) + 1), axis=1)
        best = left.pop(int(distances.argmin()))
        total = total + rows[best]
        order.append(candidates[best])
    return order


def take_in_turns(
    shown: Mapping[int, Collection[int]],
    classes: Sequence[int],
    n: int,
    rng: np.random.Generator,
) -> list[int]:
    """Images for a memory of a fixed size, by the classes in turn; SSUL-M's selection.

    Images and classes are shuffled. Then the classes go round, each taking the first image that is
    left and shows it, until there are enough or no class finds one.

    Args:
        shown: by candidate image, the classes that it shows.
        classes: those that take turns.
        n: wanted images.
        rng: shuffles.

    Returns:
        the images in the order in which they were taken; fewer than ``n`` where candidates run out.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> sorted(take_in_turns({4: {1}, 5: {1, 2}, 6: {1}, 7: set()}, [1, 2], 3, rng))
        [4, 5, 6]
    """
    waiting = rng.permutation(list(shown)).tolist()
    turns = rng.permutation(list(classes)).tolist()
    # By class what is left of its images, in the shuffled order; each list is read once.
    lists = {c: iter([image for image in waiting if c in shown[image]]) for c in turns}
    taken: dict[int, None] = {}
    while lists and len(taken) < n:
        for channel in [c for c in turns if c in lists]:
            image = next((i for i in lists[channel] if i not in taken), None)
            if image is None:
                del lists[channel]
            elif len(taken) < n:
                taken[image] = None
    return list(taken)


def assign(orders: Mapping[int, Sequence[int]], n: int) -> dict[int, list[int]]:
    """Give every class up to ``n`` images, each image to one class only.

    As many places as possible are filled, then the sum of the images' ranks in their class's order
    is as small as possible.

    Args:
        orders: by class, its candidates, best first.
        n: places of every class.

    Returns:
        by class, its images, best first.

    Example:
        >>> assign({1: [5, 6], 2: [5]}, n=1)
        {1: [6], 2: [5]}
    """
    places = [channel for channel in orders for _ in range(n)]
    # Among so many of a class's best, one is always left over by the other places.
    considered = {channel: list(order[: len(places)]) for channel, order in orders.items()}
    images = sorted({image for order in considered.values() for image in order})
    if not places or not images:
        return {channel: [] for channel in orders}
    column = {image: i for i, image in enumerate(images)}
    never = float(len(places) * len(images) + 1)
    cost = np.full((len(places), len(images)), never)
    for row, channel in enumerate(places):
        for rank, image in enumerate(considered[channel]):
            cost[row, column[image]] = rank
    chosen: dict[int, list[int]] = {channel: [] for channel in orders}
    for row, i in zip(*linear_sum_assignment(cost), strict=True):
        if cost[row, i] < never:
            chosen[places[row]].append(images[i])
    return {
        channel: sorted(found, key=considered[channel].index) for channel, found in chosen.items()
    }
