import dataclasses
import pickle
from pathlib import Path
from typing import Any

import pytest

from avalanche_seg.datasets import SegmentationFiles, Split

ROOT = Path("kit")
A, B = Path("a"), Path("b")
SPLIT = Split(ROOT, "train", (A, B), (A, B), extras={"saliency": (B, A)})


def files(*names: str, **options: Any) -> SegmentationFiles:
    return SegmentationFiles("kit", names, SPLIT, SPLIT, **options)


@pytest.mark.parametrize(
    ("zero_is", "ids"),
    [("background", (1, 2)), ("unlabelled", (1, 2)), ("class", (0, 1, 2))],
)
def test_foreground_ids(zero_is: Any, ids: tuple[int, ...]) -> None:
    described = files("zero", "ant", "bee", zero_is=zero_is)
    assert (described.foreground_ids, described.n_foreground) == (ids, len(ids))


def test_both_splits_know_what_masks_mean() -> None:
    described = files("zero", "ant", label_map={7: 1}, void_ids=[0])
    for split in (described.train, described.test):
        assert split.values is not None
        assert split.values.to_entries[[7, 0]].tolist() == [1, 255]
    again = dataclasses.replace(described, label_map={7: 0})
    assert again.train.values is not None and again.train.values.to_entries[7] == 0


def test_descriptions_are_values() -> None:
    described = files("zero", "ant", class_orders={"b": [1]}, palette=[0] * 768)
    copied = pickle.loads(pickle.dumps(described))
    assert copied == described and hash(copied) == hash(described)
    assert dataclasses.replace(SPLIT, extras={}) != SPLIT


@pytest.mark.parametrize(
    ("names", "options", "text"),
    [
        (["zero"], {}, "got 1 class names; expected at least a foreground class"),
        ([], {"zero_is": "class"}, "got 0 class names"),
        ([str(i) for i in range(65536)], {}, "got 65536 class names; .* at most 65535"),
        (["zero", "ant", "ant"], {}, r"\['ant'\] are there twice"),
        (["background", "ant"], {"zero_is": "class"}, r"\['background'\] are there twice"),
        (["zero", "ant"], {"zero_is": "void"}, "zero_is='void' is unknown.*background, class, unl"),
        (["zero", "ant"], {"class_orders": {"b": [0, 1]}}, "order 'b' is no permutation of the 1 "),
        (["zero", "ant"], {"palette": [0] * 9}, "palette of 9 integers; expected 768"),
        ([str(i) for i in range(256)], {"palette": [0] * 768}, "768 integers; expected 771"),
        (["zero", "ant"], {"label_map": {3: 2}}, r"label_map: got the dataset ids \[2\]"),
        (["zero", "ant"], {"zero_is": "class", "void_ids": (0,)}, "void_ids: 0 is a class"),
    ],
)
def test_bad_descriptions(names: list[str], options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=f"^kit: .*{text}"):
        files(*names, **options)


@pytest.mark.parametrize(
    ("masks", "extras", "text"),
    [
        ((A,), {}, "2 images and 1 files of masks"),
        ((A, B), {"saliency": (A,)}, "2 images and 1 files of saliency"),
        ((A, B), {"annotated": (A, B)}, "an extra 'annotated', a name that replay uses"),
    ],
)
def test_bad_splits(masks: Any, extras: Any, text: str) -> None:
    with pytest.raises(ValueError, match=f"kit: the split train has {text}"):
        Split(ROOT, "train", (A, B), masks, extras)
