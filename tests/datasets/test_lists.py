from pathlib import Path

import pytest
from PIL import Image

from avalanche_seg.benchmarks import FolderIncremental, VOCIncremental
from avalanche_seg.datasets import SegmentationFiles, Split, make_synthetic_voc, read_folder
from avalanche_seg.datasets.lists import read_pairs
from tests.devkits import write_devkit, write_image, write_list, write_mask

IDS = ("b", "a", "c")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in IDS:
        write_image(tmp_path / "img" / f"{name}.jpg", (2, 3))
        write_mask(tmp_path / "msk" / f"{name}.png", [[0, 1, 2], [2, 1, 255]])
    return tmp_path


def _read(root: Path, text: str) -> Split:
    path = root / "lists" / "train.txt"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return read_pairs(path, root=root, image_dir=root / "img", mask_dir=root / "msk")


@pytest.mark.parametrize(
    "text",
    [
        "b\na\nc\n",
        "b\na\nc",
        "\n  b \n\n\ta\n   \nc\n\n",
        "b\r\na\r\nc\r\n",
        "/img/b.jpg /msk/b.png\n/img/a.jpg /msk/a.png\n/img/c.jpg /msk/c.png\n",
        "img/b.jpg\tmsk/b.png\nimg/a.jpg  msk/a.png\nc\n",
        "\ufeffb\na\nc\n",
    ],
    ids=["ids", "no last newline", "blank lines", "crlf", "pairs", "mixed", "byte order mark"],
)
def test_lists_keep_their_order(root: Path, text: str) -> None:
    samples = _read(root, text)
    assert samples.images == tuple(root / "img" / f"{name}.jpg" for name in IDS)
    assert samples.masks == tuple(root / "msk" / f"{name}.png" for name in IDS)
    assert (samples.root, samples.name, len(samples)) == (root, "train", 3)


def test_pairs_may_be_relative_to_another_folder(root: Path) -> None:
    path = write_list(root / "lists" / "aug.txt", ["/img/a.jpg /msk/b.png"])
    samples = read_pairs(path, root=root, image_dir=root, mask_dir=root)
    assert samples.images == (root / "img" / "a.jpg",)
    assert samples.masks == (root / "msk" / "b.png",)


@pytest.mark.parametrize("suffix", [".jpeg", ".png", ".JPG"])
def test_other_image_suffixes(root: Path, suffix: str) -> None:
    for name in ("a", "c"):
        (root / "img" / f"{name}.jpg").unlink()
        write_image(root / "img" / f"{name}{suffix}", (2, 3))
    names = [path.name for path in _read(root, "a\nb\nc\n").images]
    assert names == [f"a{suffix}", "b.jpg", f"c{suffix}"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["is empty", "one image ID per line"]),
        (" \n\n", ["is empty"]),
        ("a b c\n", ["'a b c'", "expected one ID, or an image and a mask path"]),
        ("a\nb\na\n", ["lists a twice", "once"]),
        ("/img/a.jpg /msk/a.png\n/img/a.jpg /msk/b.png", ["lists a twice"]),
        ("a\nnone\n", ["none.jpg", "does not exist", "take it off the list"]),
        ("a\nbare\n", ["msk/bare.png", "does not exist"]),
        ("x\ny\n", ["x.jpg", "and 3 more", "does not exist"]),
        ("/img/a.jpg /msk/x.png\n", ["msk/x.png", "does not exist"]),
    ],
)
def test_bad_lists(root: Path, text: str, expected: list[str]) -> None:
    write_image(root / "img" / "bare.jpg", (2, 3))
    write_mask(root / "msk" / "none.png", [[0]])
    with pytest.raises(ValueError) as error:
        _read(root, text)
    for part in (str(root / "lists" / "train.txt"), *expected):
        assert part in str(error.value)


def test_a_list_in_another_encoding_is_named(root: Path) -> None:
    path = root / "train.txt"
    path.write_bytes("K\u00f6nig\n".encode("latin-1"))
    with pytest.raises(ValueError, match=r"train\.txt"):
        read_pairs(path, root=root, image_dir=root / "img", mask_dir=root / "msk")


def test_a_missing_list_is_named(root: Path) -> None:
    with pytest.raises(ValueError, match=r"none\.txt is missing; expected a text file"):
        read_pairs(root / "none.txt", root=root, image_dir=root, mask_dir=root)


def test_n_foreground_leaves_the_background_out(root: Path) -> None:
    samples = _read(root, "a\n")
    assert (
        SegmentationFiles("kit", ("background", "ant", "bee"), samples, samples).n_foreground == 2
    )


@pytest.mark.parametrize("suffix", [".JPEG", ".Jpg", ".PNG", ".tif", ".TIFF", ".bmp", ".jfif"])
def test_suffixes_of_all_that_pillow_reads_in_any_case(root: Path, suffix: str) -> None:
    for name in IDS:
        image = Image.open(root / "img" / f"{name}.jpg")
        image.save(root / "img" / "new", "PNG")
        (root / "img" / "new").rename(root / "img" / f"{name}{suffix}")
        (root / "img" / f"{name}.jpg").unlink()
    assert [path.name for path in _read(root, "a\nb\n").images] == [f"a{suffix}", f"b{suffix}"]


@pytest.mark.parametrize("suffix", [".PNG", ".bmp", ".Tif"])
def test_suffixes_of_masks(root: Path, suffix: str) -> None:
    (root / "msk" / "a.png").rename(root / "msk" / f"a{suffix}")
    assert [path.name for path in _read(root, "a\nb\n").masks] == [f"a{suffix}", "b.png"]


def test_one_id_with_two_files_is_refused(root: Path) -> None:
    (root / "img" / "a.jpg").rename(root / "img" / "a.tif")
    (root / "img" / "a.bmp").touch()
    with pytest.raises(ValueError, match=r"a\.bmp and a\.tif have the same ID; .*remove one"):
        _read(root, "a\n")
    (root / "img" / "a.txt").touch()
    (root / "img" / "a.bmp").unlink()
    assert _read(root, "a\n").images == (root / "img" / "a.tif",)


NAMES = ("photo 1", "Screenshot 2024-05-01 at 10.11.12", "IMG 0001 copy", "a b", "x\ty")


@pytest.mark.parametrize("name", NAMES)
def test_ids_and_paths_with_spaces(root: Path, name: str) -> None:
    image, mask = root / "img" / f"{name}.jpg", root / "msk" / f"{name}.png"
    (root / "img" / "a.jpg").rename(image)
    (root / "msk" / "a.png").rename(mask)
    pair = f"/img/{name}.jpg /msk/{name}.png"
    for line in (
        name,
        f"  {name} ",
        pair,
        pair.replace("/img", "img"),
        pair.replace("jpg ", "jpg\t "),
    ):
        samples = _read(root, f"b\n{line}\nc\n")
        assert samples.images[1] == image and samples.masks[1] == mask
    samples = _read(root, f"/img/{name}.jpg /msk/b.png\n/img/b.jpg /msk/{name}.png\n")
    assert samples.masks == (root / "msk" / "b.png", mask)


def test_a_line_with_a_space_that_is_nothing(root: Path) -> None:
    with pytest.raises(ValueError, match=r"'photo 1'; expected one ID, .*holds no image of this"):
        _read(root, "photo 1\n")


def test_absolute_paths_and_the_home_folder(
    root: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path_factory.mktemp("home of mine")
    image = write_image(home / "x y.jpg", (2, 3))
    mask = write_mask(home / "m.png", [[0, 1, 2], [2, 1, 255]])
    monkeypatch.setenv("HOME", str(home))
    text = f"{image} {mask}\n/img/a.jpg {root}/msk/a.png\n{root}/img/b.jpg /msk/b.png\n"
    samples = _read(root, text)
    assert samples.images == (image, root / "img" / "a.jpg", root / "img" / "b.jpg")
    assert samples.masks == (mask, root / "msk" / "a.png", root / "msk" / "b.png")
    assert _read(root, "~/x y.jpg ~/m.png\n").images == (image,)
    (root / "img" / "a.jpg").rename(root / "~a.jpg")
    assert _read(root, "~a.jpg /msk/a.png\n").images == (root / "~a.jpg",)


def test_the_data_sets_own_files_come_before_absolute_ones(root: Path) -> None:
    inside = root / str(root / "img" / "a.jpg").lstrip("/")
    write_image(inside, (2, 3))
    assert _read(root, f"{root}/img/a.jpg /msk/a.png\n").images == (inside,)


def test_one_folder_for_images_and_masks(tmp_path: Path) -> None:
    write_image(tmp_path / "a.jpg", (2, 3))
    write_mask(tmp_path / "a.png", [[0, 1, 2], [2, 1, 255]])
    path = write_list(tmp_path / "train.txt", ["a"])
    samples = read_pairs(path, root=tmp_path, image_dir=tmp_path, mask_dir=tmp_path)
    assert (samples.images[0].name, samples.masks[0].name) == ("a.jpg", "a.png")
    (tmp_path / "a.jpg").unlink()
    with pytest.raises(ValueError, match=r"a\.png is found as image and as mask"):
        read_pairs(path, root=tmp_path, image_dir=tmp_path, mask_dir=tmp_path)


def test_a_missing_file_names_one_that_is_nearly_the_same(root: Path) -> None:
    (root / "img" / "a.jpg").rename(root / "img" / "A.JPG")
    with pytest.raises(ValueError, match=r"a\.jpg, which does not exist \(there is A\.JPG\);"):
        _read(root, "/img/a.jpg /msk/a.png\n")
    with pytest.raises(ValueError, match=r"b\.jpg\.jpg.* does not exist \(there is b\.jpg\);"):
        _read(root, "b.jpg\n")


def test_roots_in_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    masks = {"train": {"t": [[0, 1]]}, "val": {"v": [[1, 0]]}}
    write_devkit(tmp_path / "kit", masks, ("background", "ant"))
    assert len(read_folder(Path("~/kit")).train) == 1
    assert len(FolderIncremental("~/kit", task="offline", progress=False).train_stream) == 1
    make_synthetic_voc("~/made", n_train=20, n_val=20, size=(48, 64))
    assert (tmp_path / "made" / "VOC2012").is_dir()
    assert VOCIncremental("~/made", task="offline", progress=False).n_classes == 21
    assert "~" not in {path.name for path in tmp_path.iterdir()}
