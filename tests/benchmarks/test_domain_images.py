from pathlib import Path

import numpy as np
import pytest

from avalanche_seg.benchmarks.domain_images import (
    check_no_step_is_empty,
    images_of_steps,
    trained_on,
)
from avalanche_seg.benchmarks.domain_splits import StepImages
from tests.daytimes import write_daytimes

STEPS = ((0, 1), (2,))


def test_two_lists_or_one(tmp_path: Path) -> None:
    files = write_daytimes(tmp_path)
    assert files.domains is not None
    train, test, images = images_of_steps(
        files, files.domains, STEPS, "files", test_fraction=0.2, seed=0
    )
    assert (train, test) == (files.train, files.test)
    assert [len(part) for part in images.train] == [8, 4]
    train, test, images = images_of_steps(
        files, files.domains, STEPS, "clean", test_fraction=0.2, seed=0
    )
    assert train is test and len(train) == 15 and train.name == "train+val"
    assert train.values is files.train.values
    assert [len(part) for part in images.test] == [2, 3]


def test_a_step_without_an_image_is_named(tmp_path: Path) -> None:
    domains = write_daytimes(tmp_path).domains
    none, some = np.array([], dtype=np.int64), np.array([3])
    with pytest.raises(ValueError, match=r"step 1 \(night\) has no test image"):
        check_no_step_is_empty(tmp_path, domains, STEPS, StepImages([some, some], [some, none]))
    check_no_step_is_empty(tmp_path, domains, STEPS, StepImages([some, some], [some, some]))


def test_images_that_are_trained_on_and_tested() -> None:
    clean = StepImages([np.array([0]), np.array([1])], [np.array([2]), np.array([2, 3])])
    assert trained_on(clean) is None
    mixed = StepImages([np.array([0]), np.array([1])], [np.array([2]), np.array([1, 2])])
    assert str(trained_on(mixed)).startswith("1 of the 2 images")
