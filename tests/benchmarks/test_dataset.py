from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from avalanche_seg.benchmarks.dataset import SegmentationDataset
from avalanche_seg.cli.predicting.images import read_rgb
from avalanche_seg.datasets import SegmentationFiles, read_folder, read_label_map
from tests.devkits import grey, write_devkit
from tests.insects import CLASS_NAMES, MASKS, benchmark

TABLE = np.arange(256, dtype=np.uint8)
TABLE[:5] = [0, 2, 1, 0, 255]


def test_samples(devkit: SegmentationFiles) -> None:
    dataset = SegmentationDataset(devkit.train, [9, 0, 4], TABLE)
    assert len(dataset) == 3
    image, labels = dataset[0]
    assert (image.dtype, labels.dtype) == (torch.uint8, torch.uint8)
    assert image.tolist() == [[[grey(9)] * 3] * 2] * 3
    assert labels.tolist() == [[2, 1, 0], [255, 255, 0]]
    assert dataset[2][0].unique().tolist() == [grey(4)]
    assert dataset[2][1].tolist() == [[0, 0, 255], [0, 0, 0]]
    assert torch.equal(dataset[-1][1], dataset[2][1])


def test_samples_are_ones_own(devkit: SegmentationFiles) -> None:
    dataset = SegmentationDataset(devkit.train, [0], TABLE)
    for part in dataset[0]:
        part.fill_(9)
    assert dataset[0][0].unique().tolist() == [grey(0)]
    assert dataset[0][1].tolist() == [[0, 2, 2], [255, 2, 0]]


def test_index_out_of_range(devkit: SegmentationFiles) -> None:
    dataset = SegmentationDataset(devkit.train, [0, 1], TABLE)
    with pytest.raises(IndexError):
        dataset[2]
    assert len(list(dataset)) == 2


def test_empty(devkit: SegmentationFiles) -> None:
    assert len(SegmentationDataset(devkit.train, [], TABLE)) == 0


@pytest.mark.parametrize("workers", [0, 2])
def test_data_loader(devkit: SegmentationFiles, workers: int) -> None:
    dataset = SegmentationDataset(devkit.train, range(10), TABLE)
    batches = list(DataLoader(dataset, batch_size=4, num_workers=workers))
    assert [images.shape for images, _ in batches] == [(4, 3, 2, 3), (4, 3, 2, 3), (2, 3, 2, 3)]
    labels = torch.cat([labels for _, labels in batches])
    assert labels.tolist() == TABLE[np.array(list(MASKS["train"].values()))].tolist()
    greys = torch.cat([images for images, _ in batches])[:, 0, 0, 0]
    assert greys.tolist() == [grey(i) for i in range(10)]


@pytest.mark.parametrize(
    ("folder", "name"), [("JPEGImages", "t3.jpg"), ("SegmentationClass", "t3.png")]
)
def test_a_file_that_spoils_later_is_named(tmp_path: Path, folder: str, name: str) -> None:
    root = write_devkit(tmp_path, MASKS, CLASS_NAMES)
    dataset = SegmentationDataset(read_folder(root).train, [3], TABLE)
    (root / folder / name).write_bytes(b"spoilt")
    with pytest.raises(ValueError, match=rf"{folder}/{name}: the (image|mask) cannot be read"):
        dataset[0]


def test_constants_are_extras_of_every_sample(devkit: SegmentationFiles) -> None:
    shown = torch.tensor([True, False, True])
    dataset = SegmentationDataset(devkit.train, [9, 0], TABLE, constants={"annotated": shown})
    plain = SegmentationDataset(devkit.train, [9, 0], TABLE)
    for i in range(2):
        image, labels, extras = dataset[i]
        assert torch.equal(image, plain[i][0]) and torch.equal(labels, plain[i][1])
        assert list(extras) == ["annotated"] and torch.equal(extras["annotated"], shown)
    assert plain.sample(0).extras == {} and len(plain[0]) == 2


CORNER = np.zeros((8, 12), dtype=np.uint8)
CORNER[:4, :6] = 1  # White in the image.


def photographs(root: Path, orientation: int, deep: bool) -> Path:
    """A devkit of images with a tag, under masks drawn as viewers show them."""
    method = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
    shown = Image.fromarray(CORNER).transpose(method[orientation])
    masks = {"train": {"a": shown, "b": shown}, "val": {"c": shown}}
    write_devkit(root, masks, ("background", "ant"))
    exif = Image.Exif()
    exif[0x0112] = orientation
    for name in "abc":
        values = CORNER.astype(np.uint16) * 65535 if deep else CORNER * 255
        (root / "JPEGImages" / f"{name}.jpg").unlink()
        Image.fromarray(values).save(root / "JPEGImages" / f"{name}.png", exif=exif)
    return root


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("deep", [False, True])
def test_masks_lie_on_turned_images_with_and_without_a_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, orientation: int, deep: bool
) -> None:
    monkeypatch.setenv("AVALANCHE_SEG_CACHE", str(tmp_path / "cache"))
    root = photographs(tmp_path / "kit", orientation, deep)
    for cached in (False, True):
        with pytest.warns(UserWarning, match="2 of the 2 images .* EXIF orientation"):
            made = benchmark(read_folder(root), task="offline", cache_images=cached)
        for stream in (made.train_stream, made.test_stream):
            for image, labels in stream[0].dataset:
                assert image.shape[1:] == labels.shape
                assert (image == 255 * labels).all() and labels.sum() == 24
    for name in "abc":
        upright = read_rgb(root / "JPEGImages" / f"{name}.png")
        mask = read_label_map(root / "SegmentationClass" / f"{name}.png")
        assert (upright == 255 * mask[..., None]).all()
