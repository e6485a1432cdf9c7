import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avalanche_seg.datasets.colours import ColourTable, meanings

BLACK, RED, SKY, WHITE = (0, 0, 0), (255, 0, 0), (0, 0, 9), (255, 255, 255)
part = st.integers(0, 255)


@given(
    st.dictionaries(st.tuples(part, part, part), st.integers(0, 65535), min_size=1), st.integers()
)
def test_every_pixel_gets_its_colours_value(
    table: dict[tuple[int, int, int], int], seed: int
) -> None:
    colours = list(table)
    chosen = np.random.default_rng(abs(seed)).integers(0, len(colours), (3, 5))
    pixels = np.array(colours, dtype=np.uint8)[chosen]
    values = ColourTable(table).values(pixels, "a.png")
    assert values.tolist() == [[table[colours[i]] for i in row] for row in chosen]
    assert values.dtype == (np.uint8 if max(table.values()) < 256 else np.uint16)


def test_another_colour_is_named_with_its_place() -> None:
    pixels = np.array([[BLACK, RED], [RED, (255, 1, 0)]], dtype=np.uint8)
    with pytest.raises(
        ValueError, match=r"a\.png: the colour \(255, 1, 0\) at row 1, column 1 .* its 2: .*'void'"
    ):
        ColourTable({BLACK: 0, RED: 1}).values(pixels, "a.png")


def test_tables_are_told_apart_whatever_their_order() -> None:
    table = ColourTable({BLACK: 0, RED: 1})
    assert table.digest == ColourTable({RED: 1, BLACK: 0}).digest
    assert table.digest != ColourTable({BLACK: 1, RED: 0}).digest


@pytest.mark.parametrize(
    ("colors", "text"),
    [({}, "an empty table"), ({(0, 0): 1}, r"got \(0, 0\)"), ({(0, 0, 256): 1}, "each 0..255")],
)
def test_bad_tables(colors: dict[tuple[int, int, int], int], text: str) -> None:
    with pytest.raises(ValueError, match=f"^colors: .*{text}"):
        ColourTable(colors)


def test_names_and_their_order() -> None:
    told = {RED: "ant", BLACK: "background", SKY: "bee", WHITE: "void", (1, 1, 1): "ant"}
    values, names, zero_is = meanings(told, None, None)
    assert values == {RED: 1, BLACK: 0, SKY: 2, WHITE: 255, (1, 1, 1): 1}
    assert (names, zero_is) == (["background", "ant", "bee"], "background")
    values, names, zero_is = meanings({SKY: "sky", RED: "ant"}, None, None)
    assert (values, names, zero_is) == ({SKY: 0, RED: 1}, ["sky", "ant"], "class")
    values, names, zero_is = meanings({SKY: "bee", BLACK: "zero"}, ["zero", "ant", "bee"], None)
    assert (values, names, zero_is) == ({SKY: 2, BLACK: 0}, ["zero", "ant", "bee"], None)


def test_ids() -> None:
    values, names, zero_is = meanings({BLACK: 0, RED: 2, WHITE: "void"}, None, None)
    assert values == {BLACK: 0, RED: 2, WHITE: 255} and zero_is is None
    assert names == ("background", "class 1", "class 2")


@pytest.mark.parametrize(
    ("colors", "names", "text"),
    [
        ({BLACK: 0, RED: "ant"}, None, r"got ids \(0, ...\) and names \('ant', ...\)"),
        ({RED: "ant"}, ["zero", "bee"], r"the names \['ant'\], which are none of class_names"),
    ],
)
def test_what_does_not_fit(colors: dict, names: list[str] | None, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        meanings(colors, names, None)
