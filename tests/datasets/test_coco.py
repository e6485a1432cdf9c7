import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from avalanche_seg.datasets import from_coco, mask_statistics
from tests.devkits import write_image

BOX = [[0, 0, 2, 0, 2, 2, 0, 2]]


def content() -> dict[str, Any]:
    return {
        "images": [{"id": i, "file_name": f"{i}.png", "height": 4, "width": 6} for i in range(5)],
        "annotations": [
            {"id": 10 + i, "image_id": i, "category_id": 3 + i % 2, "segmentation": BOX}
            for i in range(4)
        ],
        "categories": [{"id": 4, "name": "bee"}, {"id": 3, "name": "ant"}],
    }


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    monkeypatch.setenv("AVALANCHE_SEG_CACHE", str(tmp_path / "cache"))
    for i in range(5):
        write_image(tmp_path / "photos" / f"{i}.png", (4, 6), 30 * i)

    def to(change: Callable[[dict[str, Any]], object] = dict, name: str = "all.json") -> Path:
        whole = content()
        change(whole)
        (tmp_path / name).write_text(json.dumps(whole), encoding="utf-8")
        return tmp_path / name

    return to


def test_one_file_is_split_by_a_share(write: Callable[..., Path], tmp_path: Path) -> None:
    files = from_coco(tmp_path / "photos", write(), split=0.4)
    assert (files.name, files.class_names) == ("all", ("background", "ant", "bee"))
    assert (len(files.train), len(files.test)) == (3, 2)
    counts = [
        mask_statistics(one, progress=False).counts[:, :3] for one in (files.train, files.test)
    ]
    assert sum(one.sum(axis=0) for one in counts).tolist() == [104, 8, 8]
    mask = files.test.masks[0]
    assert (mask.name, mask.stem) == (files.test.images[0].name, files.test.images[0].stem)
    unlabelled = from_coco(tmp_path / "photos", write(), zero_is="unlabelled")
    assert unlabelled.class_names[0] == "unlabelled"


def test_a_changed_file_is_read_anew(write: Callable[..., Path], tmp_path: Path) -> None:
    both = write(name="a.json"), write(name="b.json")
    files = from_coco(tmp_path / "photos", both)
    assert (len(files.train), len(files.test)) == (5, 5)
    mask_statistics(files.train, progress=False)
    write(lambda c: c["annotations"].pop(0), name="a.json")
    files = from_coco(tmp_path / "photos", both)
    assert mask_statistics(files.train, progress=False).counts[0, 0] == 24


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda c: c.pop("images"), r"has no list 'images'; expected the JSON of COCO's instances"),
        (lambda c: c["images"].clear(), "has no list 'images'"),
        (lambda c: c["images"][1].pop("height"), r"images\[1\] has no 'height'"),
        (lambda c: c["images"][1].update(id=0), "lists an image id twice"),
        (
            lambda c: c["images"][1].update(file_name="x.png"),
            r"photos/x\.png, which does not exist",
        ),
        (
            lambda c: c["annotations"][1].update(image_id=9),
            "annotation 11 is of image 9, which the",
        ),
        (
            lambda c: c["annotations"][1].update(category_id=9),
            "annotation 11 is of category 9; .*3, 4",
        ),
        (lambda c: c["categories"].append({"id": 5, "name": "ant"}), r"\['ant'\] are there twice"),
    ],
)
def test_files_that_cannot_be(
    write: Callable[..., Path], tmp_path: Path, change: Any, text: str
) -> None:
    with pytest.raises(ValueError, match=text):
        from_coco(tmp_path / "photos", write(change))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            lambda c: c["annotations"][0].update(segmentation=[[0, 0, 9, 0, 9, 2]]),
            r"all\.json: 0\.png: annotation 10 has a polygon outside its image of 6x4",
        ),
        (lambda c: c["images"][0].update(height=5), r"all\.json \(0\.png\) is 6x5 .* 0\.png 6x4"),
    ],
)
def test_masks_that_cannot_be(
    write: Callable[..., Path], tmp_path: Path, change: Any, text: str
) -> None:
    files = from_coco(tmp_path / "photos", write(change))
    with pytest.raises(ValueError, match=text):
        for split in (files.train, files.test):
            mask_statistics(split, progress=False)


def test_arguments_that_do_not_fit(write: Callable[..., Path], tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    with pytest.raises(ValueError, match="zero_is='class': the categories of COCO begin at 1"):
        from_coco(photos, write(), zero_is="class")
    with pytest.raises(ValueError, match="annotations: got 3 paths; expected one, or"):
        from_coco(photos, ("a", "b", "c"))
    with pytest.raises(ValueError, match=r"none\.json: the annotations cannot be read"):
        from_coco(photos, tmp_path / "none.json")
    renamed = write(lambda c: c["categories"][0].update(name="wasp"), name="b.json")
    with pytest.raises(ValueError, match=r"all\.json and .*b\.json have different categories"):
        from_coco(photos, (write(), renamed))


def test_without_pycocotools(
    write: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pycocotools", None)
    files = from_coco(tmp_path / "photos", write())
    with pytest.raises(ValueError, match=r"pip install .avalanche-seg\[coco\]"):
        mask_statistics(files.train, progress=False)
