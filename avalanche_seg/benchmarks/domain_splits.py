"""Which images belong to which step where steps are domains: pure functions of domain numbers."""

from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from avalanche_seg.benchmarks.class_splits import split_classes
from avalanche_seg.benchmarks.settings import Indices
from avalanche_seg.system import check_number, shown

__all__ = [
    "DOMAIN_SPLITS",
    "DomainSplit",
    "DomainTask",
    "StepImages",
    "clean_split",
    "domain_steps",
    "given_split",
    "legacy_split",
]

DomainSplit = Literal["files", "clean", "legacy"]
"""Where the test images of a domain come from.

- "files": the data set's own training and test lists.
- "clean": a share of every domain's images of both lists, the same in every step.
- "legacy": as PLOP's code draws them (Douillard et al., CVPR 2021): a share of the images of every
  step for training, and of all seen ones anew for tests, most of which were trained on.
"""

DOMAIN_SPLITS: tuple[str, ...] = get_args(DomainSplit)

DomainTask = str | Sequence[Sequence[str]]
"""A task's name, or the names of the domains of every step."""

_LEGACY_SEED = 1


class StepImages(NamedTuple):
    """Ascending image indices by step.

    Attributes:
        train: of every step.
        test: after every step, of all domains so far.
    """

    train: list[Indices]
    test: list[Indices]


def domain_steps(task: DomainTask, names: Sequence[str]) -> tuple[tuple[int, ...], ...]:
    """The domains of every step, as positions in ``names``.

    Args:
        task: "A-B": A domains first, then groups of B; "offline": all at once; or names by step.
        names: of all domains, in their order.

    Raises:
        ValueError: for a task that does not fit, an unknown name, or one that is there twice.

    Example:
        >>> domain_steps("2-1", ["day", "dusk", "night"])
        ((0, 1), (2,))
        >>> domain_steps([["night"], ["day"]], ["day", "night"])
        ((1,), (0,))
    """
    if isinstance(task, str):
        try:
            return split_classes(task, class_ids=range(len(names)))
        except ValueError:
            raise ValueError(
                f"task={task!r} does not cut the {len(names)} domains into steps; expected "
                "'offline', 'A-B' with A domains first and then groups of B, or lists of names"
            ) from None
    number_of = {name: number for number, name in enumerate(names)}
    listed = [name for step in task for name in step]
    unknown = [name for name in listed if name not in number_of]
    twice = sorted({name for name in listed if listed.count(name) > 1})
    if not listed or not all(task) or unknown or twice:
        got = f"unknown domains {unknown}" if unknown else f"{twice} twice" if twice else "no name"
        raise ValueError(
            f"task={shown(task)}: got {got} in a step; expected some of {', '.join(names)}, each "
            "once, at least one per step"
        )
    return tuple(tuple(number_of[name] for name in step) for step in task)


def given_split(
    train: NDArray[np.int64], test: NDArray[np.int64], steps: Sequence[Sequence[int]]
) -> StepImages:
    """The images of every step, where training and test images are two lists.

    Args:
        train: the domain of every training image.
        test: the domain of every test image.
        steps: domains by step.

    Example:
        >>> images = given_split(np.array([0, 1, 0]), np.array([1, 0]), [[0], [1]])
        >>> [part.tolist() for part in images.train], [part.tolist() for part in images.test]
        ([[0, 2], [1]], [[1], [0, 1]])
    """
    seen = _seen(steps)
    return StepImages(
        [np.flatnonzero(np.isin(train, step)) for step in steps],
        [np.flatnonzero(np.isin(test, domains)) for domains in seen],
    )


def clean_split(
    domains: NDArray[np.int64],
    steps: Sequence[Sequence[int]],
    *,
    test_fraction: float = 0.2,
    seed: int = 0,
) -> StepImages:
    """A share of every domain's own images for tests, which no step trains on.

    Args:
        domains: the domain of every image of one list.
        steps: domains by step.
        test_fraction: share of a domain's n images; the first floor((1 - share) n) of a seeded
            order are trained on.
        seed: of the order.

    Raises:
        ValueError: for a share out of range.

    Example:
        >>> images = clean_split(np.array([0] * 5 + [1] * 10), [[0], [1]])
        >>> [len(part) for part in images.train], [len(part) for part in images.test]
        ([4, 8], [1, 3])
    """
    check_number("test_fraction", test_fraction, above=0, below=1)
    rank = np.random.default_rng(seed).permutation(len(domains))
    is_test = np.zeros(len(domains), dtype=bool)
    for domain in np.unique(domains):
        own = np.flatnonzero(domains == domain)
        own = own[np.argsort(rank[own])]
        is_test[own[_n_train(len(own), test_fraction) :]] = True
    return StepImages(
        [np.flatnonzero(np.isin(domains, step) & ~is_test) for step in steps],
        [np.flatnonzero(np.isin(domains, seen) & is_test) for seen in _seen(steps)],
    )


def legacy_split(
    domains: NDArray[np.int64], steps: Sequence[Sequence[int]], *, test_fraction: float = 0.2
) -> StepImages:
    """The split of PLOP's code, whose test images were mostly trained on.

    Args:
        domains: the domain of every image, the training list before the test list.
        steps: domains by step.
        test_fraction: share of the images, 0.2 as published.

    Raises:
        ValueError: for a share out of range.
    """
    check_number("test_fraction", test_fraction, above=0, below=1)

    def shuffled(of: Sequence[int]) -> Indices:
        images = np.flatnonzero(np.isin(domains, of))
        # Only the legacy generator gives the published draws.
        np.random.RandomState(_LEGACY_SEED).shuffle(images)
        return images

    parts = [shuffled(step) for step in steps]
    tested = [shuffled(seen) for seen in _seen(steps)]
    return StepImages(
        [np.sort(images[: _n_train(len(images), test_fraction)]) for images in parts],
        [np.sort(images[_n_train(len(images), test_fraction) :]) for images in tested],
    )


def _n_train(n_images: int, test_fraction: float) -> int:
    # Rounded first: 1 - 0.2 of five images is a little less than four.
    return int(round((1 - test_fraction) * n_images, 6))


def _seen(steps: Sequence[Sequence[int]]) -> list[list[int]]:
    """The domains of every step and the earlier ones."""
    return [[d for step in steps[: last + 1] for d in step] for last in range(len(steps))]
