"""Line charts as small SVG, coloured by the page's style sheet."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from avalanche_seg.cli.reporting.html import Html, element, markup
from avalanche_seg.cli.reporting.runs import Section, spread

__all__ = ["Curve", "chart", "curves"]

N_COLOURS = 8
_WIDTH, _HEIGHT = 360, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 34, 12, 10, 34
_TITLES = {"old": "Old classes", "new": "New classes", "all": "All seen classes"}


@dataclass(frozen=True)
class Curve:
    """One line of a chart.

    Attributes:
        label: as in the legend.
        values: by step, the values of every run; empty where there is none.
        bound: a dashed level over all steps instead, at the last value.
    """

    label: str
    values: tuple[list[float], ...]
    bound: bool = False


def curves(section: Section) -> Html:
    """The mIoU of old, new and all classes by step: three charts and their legend."""
    by_title = {
        title: [
            Curve(
                group.label,
                tuple(group.means(f"mIoU_{name}", step) for step in range(group.n_steps)),
                bound=group.is_bound,
            )
            for group in section.groups
        ]
        for name, title in _TITLES.items()
    }
    every = [v for lines in by_title.values() for line in lines for run in line.values for v in run]
    top = max(20, 20 * -int(-max(every, default=0) // 20))
    figures = [
        element("figure", element("figcaption", title), chart(lines, title, section.n_steps, top))
        for title, lines in by_title.items()
    ]
    keys = [
        element("li", _key(index, group.is_bound), group.label)
        for index, group in enumerate(section.groups)
    ]
    return markup(element("div", *figures, class_="charts"), element("ul", *keys, class_="legend"))


def chart(lines: Sequence[Curve], title: str, n_steps: int, top: int) -> Html:
    """One chart, percent by step; error bars are the standard deviation over the runs.

    Args:
        lines: their position decides on colour and mark.
        title: for readers that do not see it.
        n_steps: of the longest line.
        top: the highest percentage of the axis.
    """
    told = "; ".join(
        f"{line.label}: {', '.join(spread(values) for values in line.values)}" for line in lines
    )
    return element(
        "svg",
        *_axes(n_steps, top),
        *(mark for index, line in enumerate(lines) for mark in _line(index, line, n_steps, top)),
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        role="img",
        aria_label=f"{title}, mIoU in percent by step. {told}",
    )


def _x(step: int, n_steps: int) -> float:
    inset = 14  # Room for the marks of the first and last step.
    width = _WIDTH - _LEFT - _RIGHT - 2 * inset
    share = 0.5 if n_steps == 1 else step / (n_steps - 1)
    return round(_LEFT + inset + width * share, 1)


def _y(value: float, top: int) -> float:
    return round(_HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * value / top, 1)


def _axes(n_steps: int, top: int) -> list[Html]:
    drawn = []
    for value in range(0, top + 1, 20):
        y = _y(value, top)
        drawn.append(element("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=y, y2=y, class_="grid"))
        drawn.append(element("text", value, x=_LEFT - 6, y=y + 4, text_anchor="end"))
    every = -(-n_steps // 12)
    for step in range(0, n_steps, every):
        x = _x(step, n_steps)
        drawn.append(element("text", step, x=x, y=_HEIGHT - _BOTTOM + 16, text_anchor="middle"))
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    drawn.append(element("text", "step", x=middle, y=_HEIGHT - 3, text_anchor="middle"))
    return drawn


def _line(index: int, line: Curve, n_steps: int, top: int) -> list[Html]:
    """The line, the error bars, then the marks with what they say on hovering."""
    colour = f"c{index % N_COLOURS}"
    if line.bound:
        if not line.values[-1]:
            return []
        y = _y(statistics.mean(line.values[-1]), top)
        says = element("title", f"{line.label}: {spread(line.values[-1])}")
        level = element(
            "line", says, x1=_LEFT, x2=_WIDTH - _RIGHT, y1=y, y2=y, class_=f"bound {colour}"
        )
        return [level]
    shift = 3 * (index % 5 - 2)  # Marks of equal values stay apart.
    places, bars, marks = [], [], []
    for step, values in enumerate(line.values):
        if not values:
            continue
        mean = statistics.mean(values)
        x, y = round(_x(step, n_steps) + shift, 1), _y(mean, top)
        places.append(f"{x},{y}")
        if len(values) > 1:
            deviation = statistics.stdev(values)
            low, high = (_y(min(max(mean + sign * deviation, 0), top), top) for sign in (-1, 1))
            bars.append(element("line", x1=x, x2=x, y1=low, y2=high, class_=f"bar {colour}"))
        says = element("title", f"{line.label}, step {step}: {spread(values)}")
        marks.append(_mark(index, x, y, says))
    path = element("polyline", points=" ".join(places), class_=f"line {colour}")
    return [path, *bars, *marks]


def _mark(index: int, x: float, y: float, says: object = "") -> Html:
    """A disc, square, diamond or triangle, so that colour is not the only sign."""
    colour = f"mark c{index % N_COLOURS}"
    kind = (index + index // N_COLOURS) % 4
    if kind == 0:
        return element("circle", says, cx=x, cy=y, r=4.5, class_=colour)
    shapes = {
        1: ((-4, -4), (4, -4), (4, 4), (-4, 4)),
        2: ((0, -5.5), (5.5, 0), (0, 5.5), (-5.5, 0)),
        3: ((0, -5), (5, 4), (-5, 4)),
    }
    points = " ".join(f"{round(x + dx, 1)},{round(y + dy, 1)}" for dx, dy in shapes[kind])
    return element("polygon", says, points=points, class_=colour)


def _key(index: int, bound: bool) -> Html:
    colour = f"c{index % N_COLOURS}"
    stroke = element(
        "line", x1=1, x2=29, y1=8, y2=8, class_=f"{'bound' if bound else 'line'} {colour}"
    )
    mark = "" if bound else _mark(index, 15, 8)
    return element("svg", stroke, mark, viewBox="0 0 30 16", aria_hidden="true")
