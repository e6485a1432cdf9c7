"""More than 255 classes: masks of 16 bits, and channels that reach the number 255 is."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import v2

from avalanche_seg.benchmarks import eval_preset, incremental_benchmark
from avalanche_seg.cli.predicting.loop import predict
from avalanche_seg.datasets import SegmentationFiles, Split, read_label_map
from avalanche_seg.strategies import MiB
from avalanche_seg.training import sgd
from tests.devkits import write_image
from tests.tiny import tiny_model

N = 301  # Names, background included.
SIZE = (32, 40)
STEPS = [[*range(1, 201)], [*range(300, 200, -1)]]  # 255 is a class of step 1; so is its channel.
HALVES = [(1, 255), (0, 254), (299, 2), (300, 65535), (3, 200), (256, 255)]


def mask_of(left: int, right: int) -> np.ndarray:
    mask = np.full(SIZE, left, dtype=np.uint16)
    mask[:, SIZE[1] // 2 :] = right
    mask[:2] = 65535
    return mask


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SegmentationFiles:
    monkeypatch.setenv("AVALANCHE_SEG_CACHE", str(tmp_path / "cache"))
    images, masks = [], []
    for i, halves in enumerate(HALVES):
        images.append(write_image(tmp_path / f"{i}.jpg", SIZE, 40 * i))
        masks.append(tmp_path / f"{i}.png")
        Image.fromarray(mask_of(*halves)).save(masks[-1])
    train = Split(tmp_path, "train", tuple(images), tuple(masks))
    test = Split(tmp_path, "test", tuple(images[:3]), tuple(masks[:3]))
    return SegmentationFiles("many", tuple(f"class {i}" for i in range(N)), train, test)


CHANNELS = {v: c for c, v in enumerate([0, *STEPS[0], *STEPS[1]])}


@pytest.mark.parametrize("cached", [False, True])
@pytest.mark.filterwarnings("ignore:.*have no pixel in the training:UserWarning")
@pytest.mark.filterwarnings("ignore:.*are in train as well:UserWarning")
def test_every_pixel(files: SegmentationFiles, cached: bool) -> None:
    benchmark = incremental_benchmark(
        files,
        task=STEPS,
        setting="overlapped",
        train_void="ignore",
        train_transform=v2.Identity(),
        eval_transform=v2.Identity(),
        progress=False,
        cache_images=cached,
    )
    assert benchmark.label_space.void == 65535 and len(benchmark.palette) == 3 * (N + 1)
    chosen = [experience.data.indices.tolist() for experience in benchmark.train_stream]
    assert chosen == [[0, 2, 4], [0, 1, 2, 3, 5]]
    for experience, visible in zip(benchmark.train_stream, STEPS, strict=True):
        channels = {v: c if v in visible else 0 for v, c in CHANNELS.items()} | {65535: 65535}
        sets = list(experience.dataset.class_sets)
        for i, (_, labels), shown in zip(
            experience.data.indices.tolist(), experience.dataset, sets, strict=True
        ):
            assert labels.dtype == torch.int32
            expected = np.vectorize(channels.get)(mask_of(*HALVES[i]))
            np.testing.assert_array_equal(labels.numpy(), expected)
            assert shown == frozenset(expected.ravel().tolist()) - {65535}
    test = benchmark.test_stream[0].dataset[1][1]  # Image 2: class 299 is not seen yet.
    assert set(test.unique().tolist()) == {2, 65535}
    assert CHANNELS[246] == 255


def test_few_channels_of_many_ids(files: SegmentationFiles) -> None:
    benchmark = incremental_benchmark(
        files, task=[[255], [256, 299]], setting="overlapped", progress=False
    )
    data = benchmark.train_stream[1].data
    assert benchmark.label_space.void == 255 and data.label_map.dtype == np.uint8
    assert data.label_map[[255, 256, 299]].tolist() == [0, 2, 3]
    assert data.class_sets() == [{0, 3}, {0, 2}]


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_two_steps_train_and_predict(files: SegmentationFiles, tmp_path: Path) -> None:
    benchmark = incremental_benchmark(
        files,
        task=STEPS,
        setting="overlapped",
        train_void="ignore",
        train_transform=eval_preset(32),
        eval_transform=eval_preset(32),
        progress=False,
    )
    strategy = MiB(
        model=tiny_model(),
        optimizer=sgd(0.01),
        train_mb_size=2,
        eval_mb_size=2,
        evaluator=None,
    )
    losses: list[float] = []
    for experience in benchmark.train_stream:
        strategy.train(experience)
        losses.append(float(strategy.loss))
        strategy.eval([experience.test])
    assert np.isfinite(losses).all()
    model: Any = strategy.model
    model.class_names, model.class_ids = benchmark.class_names, benchmark.class_ids
    with torch.no_grad():  # So that a channel above 255 is predicted.
        model.eval()
        for classifier in model.parameters():
            classifier.zero_()
        last = [p for name, p in model.named_parameters() if "bias" in name and p.shape == (100,)]
        last[0][-1] = 1.0
    image = files.train.images[0]
    assert isinstance(image, Path)
    assert predict(model, [image], ["a"], tmp_path / "out") == []
    assert np.unique(read_label_map(tmp_path / "out" / "a.png")).tolist() == [300]
