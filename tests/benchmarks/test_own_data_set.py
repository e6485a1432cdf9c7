"""A data set as no shipped one: 0 is a class, an order and a partition of its own, an extra map."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from avalanche.training.plugins import SupervisedPlugin
from torchvision.transforms import v2

from avalanche_seg.benchmarks import incremental_benchmark, train_preset
from avalanche_seg.datasets import READERS, SegmentationFiles, Split, reader_help
from avalanche_seg.strategies import FineTuning
from avalanche_seg.training import sgd
from tests.devkits import write_image, write_mask
from tests.tiny import tiny_model

SIZE = (40, 56)
PALETTE = [*range(256), *range(256), *range(256)]
# The classes of every image: each half of it shows one, and a row in the middle is void.
HALVES = [(0, 1), (2, 0), (3, 3), (1, 3), (2, 2), (0, 0), (1, 2), (3, 0)]
TRANSFORMS: dict[str, Any] = {"train_transform": v2.Identity(), "eval_transform": v2.Identity()}


def mask_of(left: int, right: int) -> np.ndarray:
    mask = np.full(SIZE, left, dtype=np.uint8)
    mask[:, SIZE[1] // 2 :] = right
    mask[SIZE[0] // 2] = 255
    return mask


def saliency_of(i: int) -> np.ndarray:
    return (np.arange(SIZE[0] * SIZE[1]).reshape(SIZE) % 200 + i).astype(np.uint8)


def read_sea(root: Path) -> SegmentationFiles:
    """Read a made-up sea.

    Masks hold 0..3.
    """
    files: list[tuple[Path, ...]] = []
    for folder, write in (
        ("img", lambda path, i: write_image(path.with_suffix(".jpg"), SIZE, 8 * i)),
        ("gt", lambda path, i: write_mask(path.with_suffix(".png"), mask_of(*HALVES[i]))),
        ("sal", lambda path, i: write_mask(path.with_suffix(".png"), saliency_of(i))),
    ):
        files.append(tuple(write(root / folder / str(i), i) for i in range(len(HALVES))))
    images, masks, saliency = files
    split = Split(root, "train", images, masks, extras={"saliency": saliency})
    return SegmentationFiles(
        "sea",
        ("water", "ship", "rock", "bird"),
        split,
        Split(root, "val", images, masks, extras={"saliency": saliency}),
        zero_is="class",
        class_orders={"b": (2, 0, 3, 1)},
        partitions={"2-1_b": [[1, 4], [2, 7], [0, 3]]},
        palette=PALETTE,
    )


@pytest.fixture
def sea(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    monkeypatch.setitem(READERS, "sea", read_sea)
    monkeypatch.setenv("AVALANCHE_SEG_CACHE", str(tmp_path / "cache"))

    def make(**options: Any) -> Any:
        arguments = {"task": "2-1_b", "setting": "partitioned", "progress": False}
        return incremental_benchmark("sea", tmp_path, **{**arguments, **options})

    return make


def test_one_entry_makes_it_known(sea: Callable[..., Any]) -> None:
    assert reader_help()["sea"] == "Read a made-up sea."
    benchmark = sea()
    assert benchmark.class_names == ("background", "rock", "water", "bird", "ship")
    assert benchmark.class_ids == (255, 2, 0, 3, 1)
    assert (benchmark.n_classes, benchmark.palette) == (5, PALETTE)
    indices = [experience.data.indices.tolist() for experience in benchmark.train_stream]
    assert indices == [[1, 4], [2, 7], [0, 3]]


# Of masks value -> channel, by step.
TRAIN = [{0: 2, 1: 0, 2: 1, 3: 0}, {0: 0, 1: 0, 2: 0, 3: 3}, {0: 0, 1: 4, 2: 0, 3: 0}]
TEST = [{0: 2, 1: 255, 2: 1, 3: 255}, {0: 2, 1: 255, 2: 1, 3: 3}, {0: 2, 1: 4, 2: 1, 3: 3}]


@pytest.mark.parametrize("cached", [False, True])
def test_every_pixel_of_labels_and_extras(sea: Callable[..., Any], cached: bool) -> None:
    benchmark = sea(cache_images=cached, train_void="ignore", **TRANSFORMS)
    for stream, tables in ((benchmark.train_stream, TRAIN), (benchmark.test_stream, TEST)):
        for experience, table in zip(stream, tables, strict=True):
            indices = experience.data.indices.tolist()
            for i, (image, labels, extras) in zip(indices, experience.dataset, strict=True):
                assert image.unique().tolist() == [8 * i]
                expected = [[{**table, 255: 255}[v] for v in row] for row in mask_of(*HALVES[i])]
                assert labels.tolist() == expected
                assert set(extras) == {"saliency"} and extras["saliency"].dtype == torch.uint8
                np.testing.assert_array_equal(extras["saliency"].numpy(), saliency_of(i))


def test_images_of_the_settings(sea: Callable[..., Any]) -> None:
    """Water is a class: an image that shows it before it is learned is none of a disjoint step."""
    for setting, expected in (
        ("disjoint", [[1, 4, 5], [2, 7], [0, 3, 6]]),
        ("overlapped", [[0, 1, 4, 5, 6, 7], [2, 3, 7], [0, 3, 6]]),
    ):
        benchmark = sea(setting=setting)
        assert [e.data.indices.tolist() for e in benchmark.train_stream] == expected
    later = sea(task=[[2], [0], [1, 3]], setting="disjoint").train_stream
    assert [e.data.indices.tolist() for e in later] == [[4], [1, 5], [0, 2, 3, 6, 7]]
    tests = [experience.test.data.indices.tolist() for experience in sea().train_stream]
    assert tests == [[0, 1, 4, 5, 6, 7], [*range(8)], [*range(8)]]


@pytest.mark.parametrize("cached", [False, True])
def test_masks_of_other_values(sea: Callable[..., Any], tmp_path: Path, cached: bool) -> None:
    """Through one label map the streams are the same as of the ids themselves."""
    of_ids = sea(train_void="ignore", setting="overlapped", **TRANSFORMS)
    plain = read_sea(tmp_path)
    for i, halves in enumerate(HALVES):
        mask = mask_of(*halves)
        write_mask(plain.train.masks[i], np.array([40, 30, 20, 10])[mask % 4] + (mask == 255))
    values = {40: 0, 30: 1, 20: 2, 10: 3}
    described = dataclasses.replace(plain, label_map=values, void_ids=(11,))
    options: dict[str, Any] = {
        "task": "2-1_b",
        "train_void": "ignore",
        "setting": "overlapped",
        "progress": False,
        "cache_images": cached,
    }
    mapped = incremental_benchmark(described, **options, **TRANSFORMS)
    for ours, theirs in zip(mapped.train_stream, of_ids.train_stream, strict=True):
        assert ours.data.indices.tolist() == theirs.data.indices.tolist()
        assert ours.data.class_sets() == theirs.data.class_sets()
        for i, (_, labels, _) in zip(ours.data.indices.tolist(), ours.dataset, strict=True):
            table = TRAIN[ours.current_experience]
            expected = [[{**table, 255: 255}[v] for v in row] for row in mask_of(*HALVES[i])]
            assert labels.tolist() == expected
    fewer = dataclasses.replace(described, label_map={**values, 11: 255}, void_ids=())
    assert np.array_equal(
        incremental_benchmark(fewer, **options).train_stream[0].data.counts,
        mapped.train_stream[0].data.counts,
    )
    with pytest.raises(ValueError, match=r"gt/\d\.png: value 11 is no class"):
        incremental_benchmark(dataclasses.replace(fewer, label_map=values), **options)


class Watch(SupervisedPlugin):
    def __init__(self) -> None:
        super().__init__()
        self.batches: list[Any] = []

    def before_forward(self, strategy: Any, **kwargs: Any) -> None:
        self.batches.append(strategy.mbatch)

    def before_eval_forward(self, strategy: Any, **kwargs: Any) -> None:
        self.batches.append(strategy.mbatch)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_strategy_gets_the_extras_of_its_batches(sea: Callable[..., Any], workers: int) -> None:
    torch.manual_seed(0)
    watch = Watch()
    benchmark = sea(
        setting="overlapped", train_transform=train_preset(32), eval_transform=v2.CenterCrop(32)
    )
    strategy = FineTuning(
        model=tiny_model(),
        optimizer=sgd(0.01),
        train_mb_size=4,
        eval_mb_size=4,
        micro_batches=2,
        plugins=[watch],
        evaluator=None,
        loader={"num_workers": workers},
    )
    first = benchmark.train_stream[0]
    strategy.train(first)
    strategy.eval([first.test])
    assert [len(batch[0]) for batch in watch.batches] == [2, 2, 4, 2]
    for images, labels, extras in watch.batches:
        assert images.shape[-2:] == labels.shape[-2:] == extras["saliency"].shape[-2:] == (32, 32)
        assert len(images) == len(labels) == len(extras["saliency"])
        assert extras["saliency"].dtype == torch.uint8


def test_an_extra_of_another_size_is_named(sea: Callable[..., Any], tmp_path: Path) -> None:
    dataset = sea(**TRANSFORMS).train_stream[0].dataset
    write_mask(tmp_path / "sal" / "4.png", np.zeros((3, 4)))
    with pytest.raises(
        ValueError, match=r"sal/4\.png: got an extra map of 4x3 .* 56x40 pixels; expected"
    ):
        dataset[1]
    files = read_sea(tmp_path)  # Writes them anew.
    write_mask(tmp_path / "sal" / "4.png", np.zeros((3, 4)))
    with pytest.raises(ValueError, match=r"sal/4\.png: got an extra map"):
        incremental_benchmark(files, task="offline", progress=False, cache_images=True)
    (tmp_path / "sal" / "1.png").write_bytes(b"spoilt")
    with pytest.raises(ValueError, match=r"sal/1\.png: the extra map cannot be read"):
        dataset[0]
