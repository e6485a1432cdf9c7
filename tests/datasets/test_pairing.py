from pathlib import Path

import pytest

from avalanche_seg.datasets import Split
from avalanche_seg.datasets.pairing import joined, paired_split

A, B = Path("a"), Path("b")


def test_pairs_are_in_the_order_of_their_keys() -> None:
    split = paired_split(Path("d"), "train", {"2": B, "1": A}, {"1": Path("m1"), "2": Path("m2")})
    assert (split.images, split.masks) == ((A, B), (Path("m1"), Path("m2")))


@pytest.mark.parametrize(
    ("images", "masks", "text"),
    [
        ({}, {}, "d: the split train has no image and no mask"),
        ({"1": A, "2": B}, {"1": A}, "d: b of the split train has no mask; expected one for every"),
        ({}, {"1": A, "2": B}, "d: a and 1 more of the split train has no image"),
    ],
)
def test_missing_halves(images: dict[str, Path], masks: dict[str, Path], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        paired_split(Path("d"), "train", images, masks)


def test_joined_splits() -> None:
    first, second = (
        Split(Path("d"), name, (Path(f"{name}.jpg"),), (Path(f"{name}.png"),), {"s": (Path(name),)})
        for name in ("train", "val")
    )
    whole = joined(first, second)
    assert (whole.name, whole.images) == ("train+val", (Path("train.jpg"), Path("val.jpg")))
    assert whole.extras == {"s": (Path("train"), Path("val"))}
    with pytest.raises(ValueError, match=r"has the extras \['s'\] and val \[\]; expected the same"):
        joined(first, Split(Path("d"), "val", (), ()))
