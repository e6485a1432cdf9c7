"""Images of other than three channels, from files to a trained network's picture."""

from dataclasses import replace

import numpy as np
import pytest
import tifffile
import torch
from avalanche.training.plugins import EvaluationPlugin

from avalanche_seg.benchmarks import (
    check_data,
    eval_preset,
    incremental_benchmark,
    model_input,
    train_preset,
)
from avalanche_seg.datasets import (
    channel_statistics,
    from_dataset,
    from_folders,
    read_folder,
)
from avalanche_seg.datasets.bands import to_8_bits
from avalanche_seg.metrics import SamplePredictions
from avalanche_seg.models import BiSeNet
from avalanche_seg.normalization import Normalization
from avalanche_seg.plugins import ClassExemplarsBuffer
from avalanche_seg.strategies import SMiB
from avalanche_seg.training import sgd
from tests.devkits import write_devkit
from tests.insects import keep

SIZE = (40, 48)
RANGE = (1000.0, 3000.0)


def reflectances(i):
    """Five bands, 1000 to 3000 and a little beyond, the last one the same everywhere."""
    values = np.random.default_rng(i).integers(900, 3100, (*SIZE, 5)).astype(np.uint16)
    values[..., 4] = 2000
    return values


@pytest.fixture(scope="module")
def fields(tmp_path_factory):
    """Two classes on five-band images, found on their fields of a mask."""
    masks = {
        name: np.kron([[0, 1 + i % 2], [2 - i % 2, 255]], np.ones((20, 24)))
        for i, name in enumerate("abcdefgh")
    }
    splits = {
        "train": dict(list(masks.items())[:6]),
        "val": dict(list(masks.items())[6:]),
    }
    kit = write_devkit(
        tmp_path_factory.mktemp("fields") / "kit", splits, ("background", "wheat", "maize")
    )
    for i, path in enumerate(sorted((kit / "JPEGImages").iterdir())):
        path.unlink()
        tifffile.imwrite(
            path.with_suffix(".tif"),
            reflectances(i),
            planarconfig="contig",
            photometric="minisblack",
        )
    return replace(read_folder(kit), n_channels=5, value_range=RANGE)


def made(fields, **options):
    arguments = {"task": "1-1", "setting": "overlapped", "progress": False, **options}
    return incremental_benchmark(fields, **arguments)


@pytest.mark.parametrize("cached", [False, True])
def test_samples_hold_every_channel_scaled_by_the_range(fields, cached):
    transforms = {"train_transform": keep, "eval_transform": keep}
    benchmark = made(fields, cache_images=cached, **transforms)
    for i, (image, labels) in enumerate(benchmark.train_stream[0].dataset):
        expected = np.rint((reflectances(i).clip(*RANGE) - 1000) / 2000 * 255)
        assert image.dtype == torch.uint8 and image.shape == (5, *SIZE)
        assert np.array_equal(image.permute(1, 2, 0).numpy(), expected)
        assert labels.shape == SIZE


def test_another_range_is_another_cache_and_fingerprint(fields):
    transforms = {"train_transform": keep, "eval_transform": keep, "cache_images": True}
    wide = made(replace(fields, value_range=(0, 4000)), **transforms)
    narrow = made(fields, **transforms)
    (wide_image, _), (image, _) = wide.train_stream[0].dataset[0], narrow.train_stream[0].dataset[0]
    assert not torch.equal(wide_image, image)
    first, second = (b.train_stream[0].data.digests[:, 0] for b in (wide, narrow))
    assert (first != second).all()


def test_what_a_model_must_know_is_measured_on_the_images_of_step_0(fields):
    found = model_input(made(fields))
    pixels = np.concatenate([reflectances(i).reshape(-1, 5) for i in range(6)])
    scaled = np.rint((pixels.clip(*RANGE) - 1000) / 2000 * 255) / 255
    np.testing.assert_allclose(found["mean"], scaled.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(found["std"][:4], scaled.std(axis=0)[:4], atol=1e-6)
    assert found["std"][4] == 1 / 255  # The same everywhere: nothing to divide by.
    assert (found["in_channels"], found["value_range"]) == (5, [*RANGE])
    assert channel_statistics(fields.train)[0] == pytest.approx(found["mean"])


def test_samples_can_be_normalised_by_the_transform(fields):
    own = Normalization.of_channels(**model_input(made(fields)))
    plain = made(fields, eval_transform=eval_preset(32))
    ready = made(fields, eval_transform=eval_preset(32, normalize=own))
    (image, _), (normalised, labels) = (b.test_stream[0].dataset[0] for b in (plain, ready))
    assert torch.equal(normalised, own.normalize(image)) and labels.dtype == torch.int64


def test_two_steps_train_with_replay_and_their_pictures_show_three_channels(fields):
    torch.manual_seed(0)
    benchmark = made(
        fields, train_transform=train_preset(32), eval_transform=eval_preset(32), cache_images=True
    )
    model = BiSeNet("resnet18", **model_input(benchmark))
    pictures = SamplePredictions(benchmark.palette, n=1)
    strategy = SMiB(
        model=model,
        memory=ClassExemplarsBuffer(2, selection="herding"),
        optimizer=sgd(0.01),
        train_mb_size=3,
        eval_mb_size=2,
        plugins=[],
        evaluator=EvaluationPlugin(pictures),
    )
    for step in benchmark.train_stream:
        strategy.train(step, eval_streams=[])
    seen = []
    model.network.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    strategy.eval([benchmark.test_stream[-1]])
    image = benchmark.test_stream[-1].dataset.eval()[0][0]
    torch.testing.assert_close(seen[0][0], model.normalization.normalize(image))
    shown = pictures.result()
    assert torch.equal(shown[:, :32, :32], image[:3])


def test_the_check_of_the_data_knows_the_channels(fields):
    report = check_data(fields, tasks=["1-1"], settings=["overlapped"], progress=False)
    assert report.is_trainable and len(report.train.mean) == 5
    assert report.train.kinds == {".tif of 5 channels": 6}
    wrong = check_data(replace(fields, n_channels=4), tasks=[], progress=False)
    assert len(wrong.train.refused) == 6
    assert "got an image of 5 channels; expected 4" in wrong.train.refused[0]


@pytest.mark.parametrize("n_channels", [1, 4])
@pytest.mark.parametrize("form", [torch.from_numpy, lambda image: image.transpose(1, 2, 0)])
def test_samples_that_are_no_files_keep_their_channels(n_channels, form):
    images = np.random.default_rng(0).integers(0, 256, (4, n_channels, 6, 7), dtype=np.uint8)
    samples = [(form(image), torch.full((6, 7), 1 + i % 2)) for i, image in enumerate(images)]
    names = ("background", "a", "b")
    files = from_dataset(samples, samples, names, n_channels=n_channels)
    benchmark = made(files, train_transform=keep, eval_transform=keep)
    (image, _), *_ = benchmark.train_stream[1].dataset
    assert np.array_equal(image.numpy(), images[1])
    assert model_input(benchmark)["in_channels"] == n_channels
    with pytest.raises(ValueError, match=r"got an image of shape .*by n_channels"):
        from_dataset(samples, samples, names, n_channels=2)


def test_folders_of_bands_with_classes_that_are_numbered(fields):
    root = fields.train.root
    found = from_folders(
        root / "JPEGImages",
        root / "SegmentationClass",
        split=0.25,
        n_channels=5,
        value_range=RANGE,
        progress=False,
    )
    assert found.class_names == ("background", "class 1", "class 2")
    read = from_folders(
        root / "JPEGImages",
        root / "SegmentationClass",
        split=0.25,
        n_channels=5,
        image_reader=lambda path: to_8_bits(tifffile.imread(path), RANGE),
        progress=False,
    )
    for ours, theirs in zip(found.train.images, read.train.images, strict=True):
        assert np.array_equal(ours.pixels(), theirs.pixels())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_channels": 0}, "n_channels=0; expected"),
        ({"value_range": (1, 1)}, r"value_range=\(1, 1\); expected two numbers"),
    ],
)
def test_a_description_of_images_that_cannot_be_is_refused(devkit, options, message):
    with pytest.raises(ValueError, match=message):
        replace(devkit, **options)


def test_three_channels_again_are_read_as_before(devkit):
    grey = replace(devkit, n_channels=1)
    assert replace(grey, n_channels=3).train == devkit.train
    assert grey.train != devkit.train
