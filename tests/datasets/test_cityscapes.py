from pathlib import Path

import numpy as np
import pytest

from avalanche_seg.datasets import (
    mask_statistics,
    read_cityscapes,
    read_cityscapes_domains,
    read_files,
)
from avalanche_seg.datasets.cityscapes import CITYSCAPES_CITIES, CITYSCAPES_CLASSES
from tests.scene_kits import write_cityscapes

# Road, sidewalk, rider, bicycle, and ids without a class: raw, then as train ids.
RAW = [[7, 8, 25, 33, 0, 29]]
TRAIN_IDS = [[0, 1, 12, 18, 255, 255]]


def ids_of(root: Path, read: object) -> list[int]:
    """Sorted ids of the first training mask."""
    files = read(root)  # type: ignore[operator]
    counts = mask_statistics(files.train, progress=False).counts[0]
    return np.flatnonzero(counts).tolist()


@pytest.mark.parametrize(("kind", "mask"), [("labelIds", RAW), ("labelTrainIds", TRAIN_IDS)])
def test_raw_ids_and_train_ids_give_the_same(tmp_path: Path, kind: str, mask: object) -> None:
    write_cityscapes(tmp_path, {"train": {"ulm": [mask]}, "val": {"munster": [mask]}}, kind=kind)
    assert ids_of(tmp_path, read_cityscapes) == [1, 2, 13, 19, 255]
    assert ids_of(tmp_path, read_cityscapes_domains) == [0, 1, 12, 18, 255]


def test_every_raw_id_has_its_place_in_the_standard_table(tmp_path: Path) -> None:
    write_cityscapes(tmp_path, {"train": {"ulm": [[[7]]]}, "val": {"munster": [[[7]]]}})
    label_map = read_cityscapes_domains(tmp_path).label_map
    assert label_map is not None and sorted(label_map) == list(range(34))
    assert {raw: train_id for raw, train_id in label_map.items() if train_id != 255} == {
        **{7: 0, 8: 1, 11: 2, 12: 3, 13: 4, 17: 5, 19: 6, 20: 7, 21: 8, 22: 9, 23: 10},
        **{24: 11, 25: 12, 26: 13, 27: 14, 28: 15, 31: 16, 32: 17, 33: 18},
    }
    assert (CITYSCAPES_CLASSES[13], CITYSCAPES_CLASSES[18]) == ("car", "bicycle")


@pytest.mark.parametrize("place", ["", "cityscapes", "Cityscapes"])
def test_files_and_names(tmp_path: Path, place: str) -> None:
    root = write_cityscapes(
        tmp_path / place, {"train": {"ulm": [RAW], "aachen": [RAW] * 2}, "val": {"munster": [RAW]}}
    )
    files = read_cityscapes(tmp_path)
    assert [path.name for path in files.train.images] == [
        "aachen_000000_000019_leftImg8bit.png",
        "aachen_000001_000019_leftImg8bit.png",
        "ulm_000000_000019_leftImg8bit.png",
    ]
    assert files.train.masks[2].relative_to(root).as_posix() == (
        "gtFine/train/ulm/ulm_000000_000019_gtFine_labelIds.png"
    )
    assert (files.n_foreground, files.class_names[1], files.zero_is) == (19, "road", "background")
    assert files.palette is not None and files.palette[3:6] == [128, 64, 128]
    assert files.domains is None and read_files("cityscapes", tmp_path).name == "Cityscapes"
    domains = read_files("cityscapes_domains", tmp_path)
    assert (domains.class_names[0], domains.zero_is) == ("road", "class")
    assert domains.domains is not None and len(domains.domains.names) == 21
    assert domains.domains.numbers(domains.train.images).tolist() == [0, 0, 16]
    assert sorted(CITYSCAPES_CITIES)[:2] == ["aachen", "bochum"]


def test_missing_folders_and_halves(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"holds no Cityscapes.*gtFine_trainvaltest\.zip"):
        read_cityscapes(tmp_path)
    write_cityscapes(tmp_path, {"train": {"ulm": [RAW]}, "val": {"munster": [RAW]}})
    (tmp_path / "gtFine/val/munster/munster_000000_000019_gtFine_labelIds.png").unlink()
    with pytest.raises(
        ValueError, match=r"munster_000000_000019_leftImg8bit\.png of the split val"
    ):
        read_cityscapes(tmp_path)


def test_names_of_both_kinds(tmp_path: Path) -> None:
    splits = {"train": {"ulm": [RAW, RAW]}, "val": {"munster": [RAW]}}
    write_cityscapes(tmp_path, splits)
    some = {"train": {"ulm": [TRAIN_IDS]}, "val": {"munster": [TRAIN_IDS]}}
    write_cityscapes(tmp_path, some, kind="labelTrainIds")
    with pytest.raises(ValueError, match=r"1 masks have raw ids alone, such as .*ulm_000001"):
        read_cityscapes(tmp_path)
    write_cityscapes(tmp_path, {**splits, "train": {"ulm": [TRAIN_IDS] * 2}}, kind="labelTrainIds")
    assert read_cityscapes(tmp_path).train.masks[0].name.endswith("labelTrainIds.png")


@pytest.mark.parametrize(
    ("kind", "mask", "value"), [("labelIds", TRAIN_IDS, 255), ("labelTrainIds", RAW, 25)]
)
def test_ids_of_the_other_kind_are_named(
    tmp_path: Path, kind: str, mask: object, value: int
) -> None:
    write_cityscapes(tmp_path, {"train": {"ulm": [mask]}, "val": {"munster": [mask]}}, kind=kind)
    with pytest.raises(
        ValueError, match=rf"ulm_000000_000019_gtFine_{kind}\.png: value {value} is"
    ):
        ids_of(tmp_path, read_cityscapes)
