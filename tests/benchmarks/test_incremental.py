import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader

from avalanche_seg.benchmarks import incremental_benchmark
from avalanche_seg.datasets import SegmentationFiles, read_folder
from tests.devkits import grey, write_devkit
from tests.insects import (
    CLASS_NAMES,
    MASKS,
    TEST_IMAGES,
    TRAIN_IMAGES,
    benchmark,
    labels_of,
    mapped,
)

# Dataset id -> channel in every training step, by which classes the masks show.
HIDDEN = [{1: 1, 2: 2, 3: 0, 4: 0}, {1: 0, 2: 0, 3: 3, 4: 0}, {1: 0, 2: 0, 3: 0, 4: 4}]
VISIBLE = [{1: 1, 2: 2, 3: 0, 4: 0}, {1: 1, 2: 2, 3: 3, 4: 0}, {1: 1, 2: 2, 3: 3, 4: 4}]


@pytest.mark.parametrize("train_void", ["background", "ignore"])
@pytest.mark.parametrize("old_labels", ["hidden", "visible"])
@pytest.mark.parametrize("setting", TRAIN_IMAGES)
def test_training_labels(
    devkit: SegmentationFiles, setting: str, old_labels: str, train_void: str
) -> None:
    scenario = benchmark(devkit, setting=setting, old_labels=old_labels, train_void=train_void)
    tables = VISIBLE if "visible" in old_labels or setting == "sequential" else HIDDEN
    ends = {0: 0, 255: 0 if train_void == "background" else 255}
    assert labels_of(scenario.train_stream) == [
        mapped("train", images, {**table, **ends})
        for images, table in zip(TRAIN_IMAGES[setting], tables, strict=True)
    ]


@pytest.mark.parametrize(("test_unseen", "unseen"), [("ignore", 255), ("background", 0)])
def test_test_labels(devkit: SegmentationFiles, test_unseen: str, unseen: int) -> None:
    scenario = benchmark(devkit, test_unseen=test_unseen)
    tables = [{c: c if c <= 2 + step else unseen for c in (1, 2, 3, 4)} for step in range(3)]
    assert labels_of(scenario.test_stream) == [
        mapped("val", images, {**table, 0: 0, 255: 255})
        for images, table in zip(TEST_IMAGES, tables, strict=True)
    ]


def test_defaults(devkit: SegmentationFiles) -> None:
    explicit = benchmark(
        devkit,
        setting="disjoint",
        train_void="background",
        test_unseen="ignore",
        old_labels="hidden",
        val_fraction=0.0,
    )
    default = benchmark(devkit)
    assert labels_of(default.train_stream) == labels_of(explicit.train_stream)
    assert labels_of(default.test_stream) == labels_of(explicit.test_stream)


def test_images_stay_with_their_labels(devkit: SegmentationFiles) -> None:
    scenario = benchmark(devkit, setting="overlapped")
    for experience, images in zip(scenario.train_stream, TRAIN_IMAGES["overlapped"], strict=True):
        assert [int(image[0, 0, 0]) for image, _ in experience.dataset] == [grey(i) for i in images]


def test_class_order(devkit: SegmentationFiles) -> None:
    scenario = benchmark(devkit, class_order=[4, 2, 3, 1], train_void="ignore")
    base = {0: 0, 255: 255}
    assert labels_of(scenario.train_stream) == [
        mapped("train", [2, 5, 6], {**base, 4: 1, 2: 2, 3: 0, 1: 0}),
        mapped("train", [4, 7], {**base, 4: 0, 2: 0, 3: 3, 1: 0}),
        mapped("train", [0, 1, 3, 9], {**base, 4: 0, 2: 0, 3: 0, 1: 4}),
    ]
    assert labels_of(scenario.test_stream)[1] == mapped(
        "val", [1, 2, 4], {**base, 4: 1, 2: 2, 3: 3, 1: 255}
    )


def test_classes_that_are_left_out(devkit: SegmentationFiles) -> None:
    scenario = benchmark(devkit, task=[[4], [1]], setting="overlapped")
    assert scenario.class_names == ("background", "drone", "ant")
    first, second = labels_of(scenario.train_stream)
    assert first == mapped("train", [5, 6, 7, 9], {0: 0, 1: 0, 2: 0, 3: 0, 4: 1, 255: 0})
    assert second == mapped("train", [0, 1, 3, 9], {0: 0, 1: 2, 2: 0, 3: 0, 4: 0, 255: 0})
    last = labels_of(scenario.test_stream)[1]
    assert last == mapped("val", [0, 2, 4], {0: 0, 1: 2, 2: 255, 3: 255, 4: 1, 255: 255})


def test_partitioned(devkit: SegmentationFiles) -> None:
    scenario = benchmark(devkit, setting="partitioned", partition=[[0, 9], [3], [8, 6]])
    shown = [list(experience.data.indices) for experience in scenario.train_stream]
    assert shown == [[0, 9], [3], [6, 8]]
    assert labels_of(scenario.train_stream)[1] == [[[0, 0, 3], [0, 3, 3]]]


def test_valid_stream(devkit: SegmentationFiles) -> None:
    options: dict[str, Any] = {"setting": "overlapped", "val_fraction": 0.5, "train_void": "ignore"}
    scenario = benchmark(devkit, **options, seed=2)
    for step, images in enumerate(TRAIN_IMAGES["overlapped"]):
        train, valid = (
            s[step].data.indices.tolist() for s in (scenario.train_stream, scenario.valid_stream)
        )
        assert sorted(train + valid) == images
        assert len(valid) == len(images) // 2
        table = {**HIDDEN[step], 0: 0, 255: 255}
        assert labels_of(scenario.valid_stream)[step] == mapped("train", valid, table)
    again = benchmark(devkit, **options, seed=2)
    assert labels_of(again.valid_stream) == labels_of(scenario.valid_stream)
    others = [labels_of(benchmark(devkit, **options, seed=s).valid_stream) for s in range(4)]
    assert any(other != labels_of(scenario.valid_stream) for other in others)


ERRORS: list[tuple[dict[str, Any], str]] = [
    ({"setting": "soft"}, r"setting='soft' is unknown.*disjoint, overlapped"),
    ({"old_labels": "shown"}, r"old_labels='shown' is unknown.*hidden, visible"),
    ({"train_void": "keep"}, r"train_void='keep' is unknown.*background, ignore"),
    ({"test_unseen": "void"}, r"test_unseen='void' is unknown.*ignore, background"),
    ({"task": "15-5"}, r"task='15-5' .* the dataset has 4 classes"),
    ({"class_order": [1, 2]}, r"class_order has 2 classes"),
    ({"partition": [[0], [1], [2]]}, r"partition with setting='disjoint'"),
    ({"val_fraction": 1.0}, r"val_fraction=1\.0 is out of range"),
    ({"val_fraction": 0.1}, r"val_fraction=0\.1 holds out 0 of the 3 images of step 0"),
]


@pytest.mark.parametrize(("options", "text"), ERRORS, ids=[str(options) for options, _ in ERRORS])
def test_bad_options(devkit: SegmentationFiles, options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        benchmark(devkit, **options)


def test_a_step_without_an_image_is_named(devkit: SegmentationFiles, tmp_path: Path) -> None:
    masks = {"train": {"a": [[3, 1]], "b": [[1, 2]]}, "val": {"v": [[3]]}}
    other = read_folder(write_devkit(tmp_path, masks, CLASS_NAMES))
    with pytest.raises(
        ValueError, match=r"step 0 \(cricket\).*setting 'disjoint'; choose"
    ) as error:
        benchmark(other, task=[[3], [1, 2]])
    assert str(tmp_path) in str(error.value)
    with pytest.raises(ValueError, match=r"step 2 \(drone\).*setting 'partitioned'"):
        benchmark(devkit, setting="partitioned", partition=[[0], [3], []])


def test_a_test_set_without_the_first_classes_is_named(tmp_path: Path) -> None:
    masks = {"train": MASKS["train"], "val": {"v0": MASKS["val"]["v1"]}}
    devkit = read_folder(write_devkit(tmp_path, masks, CLASS_NAMES))
    with pytest.raises(ValueError, match=r"split val has no image of .* step 0; choose") as error:
        benchmark(devkit)
    assert str(tmp_path) in str(error.value)


@pytest.mark.parametrize("split", ["train", "val"])
def test_bad_masks_of_both_splits_are_found_at_once(tmp_path: Path, split: str) -> None:
    masks = {**MASKS, split: {**MASKS[split], "bad": [[7]]}}
    devkit = read_folder(write_devkit(tmp_path, masks, CLASS_NAMES))
    with pytest.raises(ValueError, match=r"bad\.png: value 7 is no class"):
        benchmark(devkit)


def test_data_loader_with_workers(devkit: SegmentationFiles) -> None:
    dataset = benchmark(devkit, setting="overlapped").train_stream[0].dataset
    batches = list(DataLoader(dataset, batch_size=4, num_workers=2))
    assert [(i.shape, m.shape) for i, m in batches] == [
        ((4, 3, 2, 3), (4, 2, 3)),
        ((2, 3, 2, 3), (2, 2, 3)),
    ]
    labels = torch.cat([labels for _, labels in batches])
    assert labels.tolist() == [labels.tolist() for _, labels in dataset]


def test_a_name_needs_a_root_and_a_description_has_one(
    devkit: SegmentationFiles, insects: Path
) -> None:
    named = incremental_benchmark("folder", str(insects), task="2-1", progress=False)
    assert named.class_names == CLASS_NAMES
    with pytest.raises(ValueError, match="'folder' needs a root"):
        incremental_benchmark("folder")
    with pytest.raises(ValueError, match="which knows its files; pass one of the two"):
        incremental_benchmark(devkit, insects)
    with pytest.raises(ValueError, match="'coco' is unknown; expected one of synthetic, voc, fold"):
        incremental_benchmark("coco", insects)


def test_names_of_orders_and_partitions(devkit: SegmentationFiles) -> None:
    files = dataclasses.replace(
        devkit,
        class_orders={"b": (4, 2, 3, 1)},
        partitions={"2-1": [[0, 9], [3], [6]], "other": [[1], [4], [5]]},
    )
    assert benchmark(files, task="2-1_b").class_ids == (0, 4, 2, 3, 1)
    assert benchmark(files, task="2-1", class_order="b").class_ids == (0, 4, 2, 3, 1)

    def shown(**options: Any) -> list[list[int]]:
        stream = benchmark(files, setting="partitioned", **options).train_stream
        return [list(experience.data.indices) for experience in stream]

    assert shown() == [[0, 9], [3], [6]], "the partition of the task's name"
    assert shown(partition="other") == [[1], [4], [5]]
    drawn = benchmark(devkit, setting="partitioned").train_stream
    assert shown(task=[[1, 2], [3], [4]]) == [list(e.data.indices) for e in drawn]
    for options, text in (
        ({"task": "2-1_c"}, r"task='2-1_c' names no class order.*expected one of b"),
        ({"class_order": "c"}, r"class_order='c' names no class order.*expected one of b"),
        ({"partition": "none"}, r"partition='none' names no partition.*expected one of 2-1, other"),
    ):
        with pytest.raises(ValueError, match=text):
            benchmark(files, **{"setting": "partitioned", **options})
    with pytest.raises(ValueError, match="it has none"):
        benchmark(devkit, class_order="b")
