"""The options that every benchmark shares: their types, and the check of those with few values."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypedDict, get_args

__all__ = [
    "OLD_LABELS",
    "SETTINGS",
    "TEST_UNSEEN",
    "TRAIN_VOID",
    "BenchmarkOptions",
    "OldLabels",
    "Setting",
    "Steps",
    "Task",
    "TestUnseen",
    "TrainVoid",
    "Transform",
    "check_options",
]

Setting = Literal["disjoint", "overlapped", "sequential", "partitioned"]
"""Which images a step sees; see :func:`avalanche_seg.benchmarks.settings.train_images`."""

OldLabels = Literal["hidden", "visible"]
"""Whether training masks show the classes of earlier steps."""

TrainVoid = Literal["background", "ignore"]
"""What void becomes in training."""

TestUnseen = Literal["ignore", "background"]
"""What classes that were not learned yet become in tests."""

SETTINGS: tuple[str, ...] = get_args(Setting)
OLD_LABELS: tuple[str, ...] = get_args(OldLabels)
TRAIN_VOID: tuple[str, ...] = get_args(TrainVoid)
TEST_UNSEEN: tuple[str, ...] = get_args(TestUnseen)

Steps = Sequence[Sequence[int]]
"""Dataset ids, or image indices, by step."""

Task = str | Steps
"""A task's name, or its steps as lists of dataset ids."""

Transform = Callable[..., Any]
"""(image, labels) to the same, or with extras (image, labels, extras) to the same."""


class BenchmarkOptions(TypedDict, total=False):
    """The keyword arguments that every benchmark shares; see :func:`incremental_benchmark`."""

    task: Task
    setting: Setting
    train_transform: Transform | None
    eval_transform: Transform | None
    train_void: TrainVoid
    test_unseen: TestUnseen
    old_labels: OldLabels
    class_order: Sequence[int] | str | None
    partition: Steps | str | None
    val_fraction: float
    seed: int
    progress: bool
    cache_images: bool


def check_options(**options: str) -> None:
    """Check options that have few values.

    Args:
        **options: values of ``setting``, ``old_labels``, ``train_void``, ``test_unseen``.

    Raises:
        ValueError: for an unknown value, listing the known ones.

    Example:
        >>> check_options(setting="disjoint", train_void="ignore")
        >>> check_options(train_void="void")
        Traceback (most recent call last):
        ValueError: train_void='void' is unknown; expected one of background, ignore
    """
    known = {
        "setting": SETTINGS,
        "old_labels": OLD_LABELS,
        "train_void": TRAIN_VOID,
        "test_unseen": TEST_UNSEEN,
    }
    for name, value in options.items():
        if value not in known[name]:
            raise ValueError(
                f"{name}={value!r} is unknown; expected one of {', '.join(known[name])}"
            )
