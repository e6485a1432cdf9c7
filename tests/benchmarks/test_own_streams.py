"""One data set through every way in: the same streams, sample by sample."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import Dataset
from torchvision.transforms import v2

from avalanche_seg.benchmarks import incremental_benchmark
from avalanche_seg.datasets import (
    SegmentationFiles,
    from_coco,
    from_dataset,
    from_folders,
    read_folder,
    read_image,
)
from tests.own_data import NAMES, pairs, samples, write_coco, write_colours, write_voc

COLOURS = {0: (0, 0, 0), 1: (200, 0, 1), 2: (1, 200, 0), 3: (0, 1, 200), 4: (9, 9, 9)}
VOID_COLOUR = (255, 255, 255)


class Lazy(Dataset[Any]):
    """Reads files when it is asked, as Pillow images and int64 labels with -1 for void."""

    def __init__(self, files: list[tuple[Path, Path]]) -> None:
        self.files = files

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Any:
        image, mask = self.files[index]
        labels = torch.from_numpy(np.array(Image.open(mask))).long()
        return Image.open(image), labels.where(labels != 255, -1), "more"


def lists(root: Path) -> SegmentationFiles:
    folder = root / "ImageSets" / "Segmentation"
    return from_folders(
        root / "JPEGImages",
        root / "SegmentationClass",
        split=(folder / "train.txt", folder / "val.txt"),
        class_names=root / "classes.txt",
    )


def folders(root: Path) -> SegmentationFiles:
    for split in ("train", "val"):
        for path in [one for pair in pairs(root, split) for one in pair]:
            target = root / "apart" / path.parent.name / split / path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    apart = root / "apart"
    return from_folders(apart / "JPEGImages", apart / "SegmentationClass", class_names=NAMES)


def ids_and_reader(root: Path) -> SegmentationFiles:
    for image in (root / "JPEGImages").iterdir():
        np.save(image.with_suffix(".npy"), read_image(image).permute(1, 2, 0).numpy())
        image.unlink()
    ids = [[m.name.removesuffix(".png") for _, m in pairs(root, split)] for split in SPLITS]
    return from_folders(
        root / "JPEGImages",
        root / "SegmentationClass",
        split=(ids[0], ids[1]),
        class_names=NAMES,
        image_reader=np.load,
    )


def colours(root: Path) -> SegmentationFiles:
    folder = write_colours(root, COLOURS | {255: VOID_COLOUR})
    told = {colour: NAMES[value] for value, colour in COLOURS.items()}
    lists = root / "ImageSets" / "Segmentation"
    return from_folders(
        root / "JPEGImages",
        folder,
        split=(lists / "train.txt", lists / "val.txt"),
        colors={**told, VOID_COLOUR: "void"},
    )


def in_memory(root: Path) -> SegmentationFiles:
    return from_dataset(samples(root, "train"), samples(root, "val"), NAMES)


def lazily(root: Path) -> SegmentationFiles:
    train, test = (Lazy(pairs(root, split)) for split in SPLITS)
    return from_dataset(train, test, NAMES, void_ids=[-1])


def hugging_face(root: Path) -> SegmentationFiles:
    features = datasets.Features({"photo": datasets.Image(), "truth": datasets.Image()})
    made = []
    for split in SPLITS:
        files = pairs(root, split)
        columns = {"photo": [str(i) for i, _ in files], "truth": [str(m) for _, m in files]}
        made.append(datasets.Dataset.from_dict(columns, features=features))
    return from_dataset(*made, NAMES, columns=("photo", "truth"))


def coco(root: Path) -> SegmentationFiles:
    files = write_coco(root, "train"), write_coco(root, "val")
    return from_coco(root / "JPEGImages", files)


SPLITS = ("train", "val")
WAYS = [lists, folders, ids_and_reader, colours, in_memory, lazily, hugging_face, coco]


def streams(files: SegmentationFiles, **options: Any) -> list[Any]:
    benchmark = incremental_benchmark(
        files,
        task="2-1",
        train_void="ignore",
        train_transform=v2.Identity(),
        eval_transform=v2.Identity(),
        progress=False,
        **options,
    )
    return [experience for s in benchmark.streams.values() for experience in s]


@pytest.mark.filterwarnings("ignore:.*have no pixel in the training:UserWarning")
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_the_same_streams(
    way: Callable[[Path], SegmentationFiles], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AVALANCHE_SEG_CACHE", str(tmp_path / "cache"))
    root = write_voc(tmp_path / "kit")
    expected = [list(one.dataset) for one in streams(read_folder(root), setting="overlapped")]
    of_kit = streams(read_folder(root), setting="overlapped")
    partitioned = streams(read_folder(root), setting="partitioned")
    owned = [one.data.indices.tolist() for one in partitioned]
    described = way(root)
    assert described.class_names == NAMES
    for cached in (False, True):
        found = streams(described, setting="overlapped", cache_images=cached)
        for ours, theirs, samples_there in zip(found, of_kit, expected, strict=True):
            assert ours.data.indices.tolist() == theirs.data.indices.tolist()
            assert ours.data.class_sets() == theirs.data.class_sets()
            np.testing.assert_array_equal(ours.data.counts, theirs.data.counts)
            for (image, labels), (image_there, labels_there) in zip(
                ours.dataset, samples_there, strict=True
            ):
                assert torch.equal(image, image_there) and torch.equal(labels, labels_there)
                assert labels.dtype == labels_there.dtype and image.dtype == torch.uint8
    once = [one.data.indices.tolist() for one in streams(described, setting="partitioned")]
    assert once == owned
