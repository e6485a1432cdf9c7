"""The lists of images that a domain-incremental stream is made of, and what is wrong with them."""

from pathlib import Path

import numpy as np

from avalanche_seg.benchmarks.domain_splits import (
    DomainSplit,
    StepImages,
    clean_split,
    given_split,
    legacy_split,
)
from avalanche_seg.datasets import Domains, SegmentationFiles, Split, joined

__all__ = ["check_no_step_is_empty", "images_of_steps", "trained_on"]


def images_of_steps(
    files: SegmentationFiles,
    domains: Domains,
    steps: tuple[tuple[int, ...], ...],
    split: DomainSplit,
    *,
    test_fraction: float,
    seed: int,
) -> tuple[Split, Split, StepImages]:
    """The lists that training and test images are of, and the images of every step.

    Args:
        files: the data set.
        domains: of its images.
        steps: positions of domains by step.
        split: "files" keeps both lists; "clean" and "legacy" make one of them.
        test_fraction: share of the images for tests, where there is one list.
        seed: of the clean split.

    Returns:
        the list of training images, that of test images, which may be the same, and indices.

    Raises:
        ValueError: naming an image of an unknown domain; for a share out of range.
    """
    if split == "files":
        of_train, of_test = (domains.numbers(one.images) for one in (files.train, files.test))
        return files.train, files.test, given_split(of_train, of_test, steps)
    pool = joined(files.train, files.test)
    numbers = domains.numbers(pool.images)
    if split == "clean":
        images = clean_split(numbers, steps, test_fraction=test_fraction, seed=seed)
    else:
        images = legacy_split(numbers, steps, test_fraction=test_fraction)
    return pool, pool, images


def check_no_step_is_empty(
    root: Path, domains: Domains, steps: tuple[tuple[int, ...], ...], images: StepImages
) -> None:
    """ValueError naming the first step without a training or test image.

    Args:
        root: the data set's folder, for the message.
        domains: of its images.
        steps: positions of domains by step.
        images: of every step.
    """
    for kind, by_step in (("training", images.train), ("test", images.test)):
        for step, indices in enumerate(by_step):
            if len(indices) == 0:
                names = ", ".join(domains.names[number] for number in steps[step])
                raise ValueError(
                    f"{root}: step {step} ({names}) has no {kind} image; choose another task or "
                    "split, or restore the files"
                )


def trained_on(images: StepImages) -> str | None:
    """How many images of the last test were trained on, in a sentence; None for none.

    Args:
        images: of every step, in one list.

    Example:
        >>> both = StepImages([np.array([0, 1])], [np.array([1, 2])])
        >>> print(trained_on(both))  # doctest: +ELLIPSIS
        1 of the 2 images of the last test were trained on, as the published code draws them; ...
    """
    last = images.test[-1]
    seen = int(np.isin(last, np.concatenate(images.train)).sum())
    if seen == 0:
        return None
    return (
        f"{seen} of the {len(last)} images of the last test were trained on, as the published code "
        "draws them; results on them tell little of other images: split='clean' tests on others"
    )
