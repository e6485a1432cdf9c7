import numpy as np
import pytest
from PIL import Image

from avalanche_seg.benchmarks import incremental_benchmark
from avalanche_seg.datasets import make_synthetic_voc, read_voc, with_extra_maps


@pytest.fixture
def files(tmp_path):
    return read_voc(make_synthetic_voc(tmp_path / "voc", n_train=20, n_val=20, size=(48, 64)))


def write(folder, files, size=(48, 64)):
    folder.mkdir()
    for number, image in enumerate(files.train.images):
        Image.fromarray(np.full(size, number, np.uint8)).save(folder / f"{image.stem}.png")
    return folder


def test_training_samples_bring_their_map(files, tmp_path):
    described = with_extra_maps(files, "depth", write(tmp_path / "maps", files))
    assert described.test == files.test and not files.train.extras
    benchmark = incremental_benchmark(described, task="offline", progress=False)
    experience = benchmark.train_stream[0]
    for index in (0, 7):
        extras = experience.data.build()[index][2]
        assert extras["depth"].unique().tolist() == [experience.data.indices[index]]


def test_a_missing_map_is_named(files, tmp_path):
    folder = write(tmp_path / "maps", files)
    missing = files.train.images[3].stem
    (folder / f"{missing}.png").unlink()
    with pytest.raises(ValueError, match=rf"{missing}\.png is no file; expected a map of depth"):
        with_extra_maps(files, "depth", folder)


def test_a_map_of_another_size_is_named(files, tmp_path):
    folder = write(tmp_path / "maps", files, size=(48, 60))
    with pytest.raises(ValueError, match=r"an extra map of 60x48 for an image of 64x48"):
        with_extra_maps(files, "depth", folder)


def test_a_map_that_is_no_image_is_named(files, tmp_path):
    folder = write(tmp_path / "maps", files)
    (folder / f"{files.train.images[0].stem}.png").write_text("no image")
    with pytest.raises(ValueError, match=r"extra map"):
        with_extra_maps(files, "depth", folder)
