from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avalanche_seg.datasets.own_splits import find_splits, split_ids
from tests.devkits import write_image, write_list, write_mask


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    for name, suffixes in (
        ("a b", (".tif", ".tif")),
        ("c.v1", (".jpg", ".png")),
        ("train/d", (".JPEG", ".bmp")),
        ("val/e", (".png", ".png")),
        ("val/f", (".webp", ".gif")),
    ):
        write_image(tmp_path / "images" / f"{name}{suffixes[0]}", (2, 3))
        write_mask(tmp_path / "masks" / f"{name}{suffixes[1]}", [[0, 1, 1], [0, 0, 255]])
    (tmp_path / "images" / "notes.txt").write_text("no image")
    (tmp_path / "images" / ".a.jpg").write_text("no image")
    return tmp_path / "images", tmp_path / "masks"


def names(splits: list) -> list[list[str]]:
    return [[Path(i).relative_to(s.root / "images").as_posix() for i in s.images] for s in splits]


def test_a_share(folders: tuple[Path, Path]) -> None:
    found = find_splits(*folders, 0.4, 0, any_suffix=False)
    images = names(found)
    assert [len(part) for part in images] == [3, 2]
    assert sorted(images[0] + images[1]) == [
        "a b.tif", "c.v1.jpg", "train/d.JPEG", "val/e.png", "val/f.webp",
    ]  # fmt: skip
    assert names(find_splits(*folders, 0.4, 0, any_suffix=False)) == images
    others = [names(find_splits(*folders, 0.4, seed, any_suffix=False)) for seed in range(5)]
    assert any(one != images for one in others)
    for split in found:
        for image, mask in zip(split.images, split.masks, strict=True):
            assert mask.is_file() and image.stem == mask.stem
    assert [one.name for one in found] == ["train", "test"]


def test_masks_may_lie_below_the_images(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_image(tmp_path / f"{name}.jpg", (1, 1))
        write_mask(tmp_path / "masks" / f"{name}.png", [[0]])
    train, test = find_splits(tmp_path, tmp_path / "masks", 0.5, 0, any_suffix=False)
    assert sorted(p.name for p in (*train.images, *test.images)) == ["a.jpg", "b.jpg"]


def test_folders_below(folders: tuple[Path, Path]) -> None:
    found = find_splits(*folders, ("train", "val"), 0, any_suffix=False)
    assert names(found) == [["train/d.JPEG"], ["val/e.png", "val/f.webp"]]


def test_lists_and_ids(folders: tuple[Path, Path]) -> None:
    images, masks = folders
    lines = ["a b", f"{images}/c.v1.jpg {masks}/c.v1.png", "images/val/e.png masks/val/e.png"]
    file = write_list(images.parent / "one.txt", lines)
    found = find_splits(*folders, (file, ["val/f"]), 0, any_suffix=False)
    assert names(found) == [["a b.tif", "c.v1.jpg", "val/e.png"], ["val/f.webp"]]


@pytest.mark.parametrize(
    ("split", "text"),
    [
        (0, "split=0; expected"),
        (1.0, "leaves none of 5 images"),
        (("train", "tests"), "split: tests is neither a folder below .*images nor a list file"),
        ("train", r"split='train'; expected a share"),
        ((["a b"], []), "got no ID for test"),
        ((["a b"], ["g"]), r"the split test lists .*g\.jpg and 1 more, which does not exist"),
        ((["a b", "a b"], ["c.v1"]), "the split train lists a b twice"),
    ],
)
def test_splits_that_do_not_fit(folders: tuple[Path, Path], split, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        find_splits(*folders, split, 0, any_suffix=False)


def test_missing_halves_are_named(folders: tuple[Path, Path]) -> None:
    images, masks = folders
    write_mask(masks / "spare.png", [[0]])
    with pytest.raises(ValueError, match="masks holds a mask 'spare' without an image in "):
        find_splits(*folders, 0.5, 0, any_suffix=False)
    (masks / "spare.png").unlink()
    (masks / "val" / "e.png").unlink()
    for split in (0.5, ("train", "val")):
        with pytest.raises(ValueError, match=r"lists .*val/e\.png, which does not exist"):
            find_splits(*folders, split, 0, any_suffix=False)
    write_image(images / "c.v1.png", (2, 3))
    with pytest.raises(ValueError, match=r"images holds two files 'c\.v1' of different suffixes"):
        find_splits(*folders, 0.5, 0, any_suffix=False)
    (images / "train" / "d.JPEG").unlink()
    with pytest.raises(ValueError, match=r"images/train holds no image"):
        find_splits(*folders, ("train", "val"), 0, any_suffix=False)
    (images / "more").mkdir()
    write_image(images / "more" / "g.png", (2, 3))
    with pytest.raises(ValueError, match=r"masks/more is no folder; expected the masks of "):
        find_splits(*folders, ("more", "val"), 0, any_suffix=False)


def test_any_suffix(folders: tuple[Path, Path]) -> None:
    images, masks = folders
    (images / "g.raw").write_text("by a reader")
    write_mask(masks / "g.png", [[0]])
    found = find_splits(*folders, (["g"], ["a b"]), 0, any_suffix=True)
    assert names(found)[0] == ["g.raw"]


@given(st.integers(2, 30), st.floats(0.01, 0.9), st.integers(0, 9))
def test_every_id_is_in_one_part(n: int, share: float, seed: int) -> None:
    ids = list(range(n))
    if max(1, round(share * n)) == n:
        return
    train, test = split_ids(ids, share, seed)
    assert sorted(train + test) == ids and train == sorted(train) and test == sorted(test)
    assert len(test) == max(1, round(share * n))
