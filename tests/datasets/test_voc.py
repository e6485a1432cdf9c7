from pathlib import Path

import pytest

from avalanche_seg.datasets import find_folder, read_voc
from avalanche_seg.datasets.voc import VOC_CLASSES, find_list
from tests.devkits import write_image, write_list, write_mask

LISTS = "ImageSets/Segmentation"
PLAIN = ["a", "b"]
AUGMENTED = ["a", "b", "c"]
VAL = ["v"]


def _write(
    folder: Path,
    *,
    lists: str = LISTS,
    masks: str = "SegmentationClass",
    aug: str | None = None,
    pairs: bool = False,
) -> Path:
    for name in (*AUGMENTED, *VAL):
        write_image(folder / "JPEGImages" / f"{name}.jpg", (1, 1))
        write_mask(folder / masks / f"{name}.png", [[0]])
        if aug is not None:
            write_mask(folder / "SegmentationClassAug" / f"{name}.png", [[0]])
    form = f"/JPEGImages/{{0}}.jpg /{masks}/{{0}}.png" if pairs else "{0}"
    for split, names in (("train", PLAIN), ("val", VAL)):
        write_list(folder / lists / f"{split}.txt", [form.format(name) for name in names])
    if aug is not None:
        form = "/JPEGImages/{0}.jpg /SegmentationClassAug/{0}.png" if pairs else "{0}"
        write_list(folder / lists / aug, [form.format(name) for name in AUGMENTED])
    return folder


def _ids(paths: tuple[Path, ...]) -> list[str]:
    return [path.stem for path in paths]


def test_classes() -> None:
    assert len(VOC_CLASSES) == 21
    assert VOC_CLASSES[0] == "background"
    assert list(VOC_CLASSES[1:]) == sorted(VOC_CLASSES[1:])
    assert [VOC_CLASSES[i] for i in (5, 15, 20)] == ["bottle", "person", "tvmonitor"]


@pytest.mark.parametrize("place", ["", "VOC2012", "VOCdevkit/VOC2012", "PascalVOC12"])
def test_folders(tmp_path: Path, place: str) -> None:
    folder = _write(tmp_path / place)
    assert find_folder(tmp_path) == folder
    devkit = read_voc(tmp_path)
    assert (devkit.name, devkit.class_names, devkit.n_foreground) == ("VOC2012", VOC_CLASSES, 20)
    assert devkit.train.images == tuple(folder / f"JPEGImages/{name}.jpg" for name in PLAIN)
    assert devkit.train.masks == tuple(folder / f"SegmentationClass/{name}.png" for name in PLAIN)
    assert devkit.test.masks == (folder / "SegmentationClass/v.png",)
    assert (devkit.train.name, devkit.test.name, devkit.train.root) == ("train", "val", folder)


@pytest.mark.parametrize("aug", ["train_aug.txt", "trainaug.txt"])
@pytest.mark.parametrize("lists", [LISTS, "splits"])
@pytest.mark.parametrize("pairs", [False, True])
def test_plain_and_augmented(tmp_path: Path, aug: str, lists: str, pairs: bool) -> None:
    _write(tmp_path, lists=lists, aug=aug, pairs=pairs)
    for augmented in (None, True):
        devkit = read_voc(tmp_path, augmented=augmented)
        assert devkit.train.masks == tuple(
            tmp_path / f"SegmentationClassAug/{name}.png" for name in AUGMENTED
        )
        assert devkit.train.name == aug.removesuffix(".txt")
        assert devkit.test.masks == (tmp_path / "SegmentationClass/v.png",)
    plain = read_voc(tmp_path, augmented=False).train
    assert _ids(plain.images) == PLAIN
    assert {path.parent.name for path in plain.masks} == {"SegmentationClass"}


@pytest.mark.parametrize("pairs", [False, True])
def test_mibs_copy_holds_all_masks_in_one_folder(tmp_path: Path, pairs: bool) -> None:
    aug = "SegmentationClassAug"
    folder = tmp_path / "PascalVOC12"
    _write(folder, lists="splits", masks=aug, aug="train_aug.txt", pairs=pairs)
    assert not (folder / "SegmentationClass").exists()
    devkit = read_voc(tmp_path)
    assert _ids(devkit.train.masks) == AUGMENTED
    assert _ids(devkit.test.masks) == VAL
    assert {path.parent.name for path in (*devkit.train.masks, *devkit.test.masks)} == {aug}
    assert _ids(read_voc(tmp_path, augmented=False).train.masks) == PLAIN


def test_augmented_without_a_list(tmp_path: Path) -> None:
    _write(tmp_path)
    with pytest.raises(ValueError, match=r"none of train_aug\.txt, trainaug\.txt.*download=True"):
        read_voc(tmp_path, augmented=True)


@pytest.mark.parametrize("root", ["none", "empty"])
def test_no_devkit(tmp_path: Path, root: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"holds no VOC 2012.*point root at the devkit") as error:
        read_voc(tmp_path / root)
    assert str(tmp_path / root) in str(error.value)
    assert "VOCdevkit/VOC2012" in str(error.value)


@pytest.mark.parametrize("name", ["train.txt", "val.txt"])
def test_missing_lists(tmp_path: Path, name: str) -> None:
    _write(tmp_path)
    (tmp_path / LISTS / name).unlink()
    with pytest.raises(ValueError, match=rf"has no {name}; expected it in {LISTS} or splits"):
        read_voc(tmp_path)


def test_find_list_takes_the_first(tmp_path: Path) -> None:
    assert find_list(tmp_path, "a.txt", "b.txt") is None
    write_list(tmp_path / "splits" / "a.txt", ["x"])
    assert find_list(tmp_path, "a.txt", "b.txt") == tmp_path / "splits" / "a.txt"
    write_list(tmp_path / LISTS / "b.txt", ["x"])
    assert find_list(tmp_path, "a.txt", "b.txt") == tmp_path / LISTS / "b.txt"
