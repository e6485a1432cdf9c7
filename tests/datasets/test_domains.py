from pathlib import Path

import pytest

from avalanche_seg.datasets import Domains

DAYTIME = Domains(("day", "night"), of=lambda image: image.parent.name)


def test_numbers() -> None:
    images = [Path("night/a.jpg"), Path("day/b.jpg"), Path("night/c.jpg")]
    assert DAYTIME.numbers(images).tolist() == [1, 0, 1]
    assert DAYTIME.numbers([]).tolist() == []


def test_an_image_of_an_unknown_domain_is_named() -> None:
    with pytest.raises(ValueError, match=r"nigth/a\.jpg is of the domain 'nigth'; expected one of"):
        DAYTIME.numbers([Path("nigth/a.jpg")])
    with pytest.raises(ValueError, match=r"\(there is night\): move the file"):
        DAYTIME.numbers([Path("day/a.jpg"), Path("nigth/a.jpg")])


@pytest.mark.parametrize(
    ("names", "text"), [((), "got no name"), (("day", "day"), r"\['day'\] twice")]
)
def test_bad_names(names: tuple[str, ...], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        Domains(names, of=str)
