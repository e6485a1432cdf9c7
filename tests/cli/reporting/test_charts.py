"""The charts of a report."""

import re

import pytest

from avalanche_seg.cli.reading import read_sections
from avalanche_seg.cli.reporting.charts import chart
from tests.cli.pages import Page, write_page
from tests.cli.runs import write_run


def points_of(drawn, colour):
    """The corners of the line of a colour, from left to right; y grows downwards."""
    (path,) = re.findall(
        rf'<path d="([^"]*)" style="fill: none; stroke: {colour};[^"]*square', drawn
    )
    return [tuple(map(float, pair)) for pair in re.findall(r"[ML] ([\d.]+) ([\d.]+)", path)]


def test_a_higher_value_is_drawn_higher_and_later_steps_to_the_right(tmp_path):
    steps = [{"background": 0.9, "cat": value} for value in (0.1, 0.4, None)]
    (section,) = read_sections([write_run(tmp_path / "a", steps)])
    drawn = chart(section.groups, "mIoU_all", "t", top=60)
    (x0, y0), (x1, y1) = points_of(drawn, r"var\(--c0\)")
    assert x0 < x1 and y0 > y1
    grid = sorted(
        float(y)
        for y in re.findall(r'M [\d.]+ ([\d.]+) \nL [^"]*" style="[^"]*var\(--rule\)', drawn)
    )
    assert len(grid) == 4, "0, 20, 40 and 60 %"
    assert y0 - y1 == pytest.approx((grid[-1] - grid[0]) * 30 / 60, rel=1e-3)


def test_colours_of_charts_are_those_of_the_style_sheet(runs, tmp_path):
    drawn = "".join(re.findall("<svg.*?</svg>", write_page(tmp_path, *runs), flags=re.DOTALL))
    assert "var(--c0)" in drawn and "var(--c1)" in drawn
    assert not re.search(r"(?:fill|stroke): #", drawn), "a colour that is the same on dark pages"


def test_curves_say_their_values(runs, tmp_path):
    old, new, both = Page(write_page(tmp_path, *runs)).labels
    assert old.endswith("FT: 70.0 ± 0.0, 15.0 ± 7.1; JOINT: 70.0")
    assert new.endswith("FT: -, 50.0 ± 0.0; JOINT: 40.0")
    assert both.startswith("All seen classes, mIoU in percent by step.")
