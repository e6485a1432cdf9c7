"""Line charts as inline SVG by matplotlib, coloured by the page's style sheet."""

import io
import re
import statistics
from collections.abc import Sequence
from typing import Any, NamedTuple

import matplotlib
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from avalanche_seg.cli.class_orders import OrderFamily
from avalanche_seg.cli.groups import Group, Section
from avalanche_seg.cli.runs import spread

__all__ = ["Key", "boxes", "chart", "curves", "legend"]

_TITLES = {"old": "Old classes", "new": "New classes", "all": "All seen classes"}
_N_COLOURS = 8
_MARKS = {"o": "●", "s": "■", "D": "◆", "^": "▲"}
_RULE = "#91de00"  # Like those of _hex(), a stand-in for a colour of the style sheet.


class Key(NamedTuple):
    """An entry of the legend: the sign and CSS colour of a group."""

    label: str
    sign: str
    colour: str


def legend(section: Section) -> list[Key]:
    """The legend of :func:`curves`."""
    return [
        Key(group.label, "╌╌" if group.is_bound else _MARKS[_mark(i)], f"var(--c{i % _N_COLOURS})")
        for i, group in enumerate(section.groups)
    ]


def curves(section: Section) -> list[tuple[str, Markup]]:
    """The mIoU of old, new and all classes by step: titles and charts."""
    every = [
        value
        for name in _TITLES
        for group in section.groups
        for step in range(group.n_steps)
        for value in group.means(f"mIoU_{name}", step)
    ]
    top = max(20, 20 * -int(-max(every, default=0) // 20))
    return [
        (title, chart(section.groups, f"mIoU_{name}", title, top=top, salt=section.title))
        for name, title in _TITLES.items()
    ]


def chart(groups: Sequence[Group], name: str, title: str, *, top: int, salt: str = "") -> Markup:
    """One chart, percent by step; error bars are the standard deviation over the runs.

    Args:
        groups: their position decides on colour and mark.
        name: of the mean.
        title: for readers that do not see the chart.
        top: the highest percentage of the axis.
        salt: with ``title``, what makes the SVG's ids unique in the page.
    """
    n_steps = max(group.n_steps for group in groups)
    figure = Figure(figsize=(3.6, 2.4), layout="constrained")
    axes = figure.subplots()
    axes.spines[:].set_visible(False)
    axes.grid(axis="y", color=_RULE)
    axes.tick_params(length=0)
    axes.set_xlabel("step")
    axes.set_xticks(range(0, n_steps, -(-n_steps // 12)))
    axes.set_yticks(range(0, top + 1, 20))
    axes.set_xlim(-0.3, n_steps - 0.7)
    axes.set_ylim(0, top)
    told = []
    for index, group in enumerate(groups):
        by_step = [group.means(name, step) for step in range(group.n_steps)]
        told.append(f"{group.label}: {', '.join(map(spread, by_step))}")
        if not group.is_bound:
            _curve(axes, index, by_step, n_steps, top)
        elif by_step[-1]:
            axes.axhline(statistics.mean(by_step[-1]), color=_hex(index), linestyle="--", lw=2)
    label = f"{title}, mIoU in percent by step. {'; '.join(told)}"
    return _inline(figure, label, f"{salt}, {title}")


def boxes(family: OrderFamily) -> Markup:
    """A box per method over class orders: quartiles, median, and the orders as points."""
    labels = [label for label in family.methods if family.values(label)]
    values = [family.values(label) for label in labels]
    figure = Figure(figsize=(max(3.6, 0.6 * len(labels) + 1), 2.8), layout="constrained")
    axes = figure.subplots()
    axes.spines[:].set_visible(False)
    axes.grid(axis="y", color=_RULE)
    axes.tick_params(length=0)
    for index, points in enumerate(values):
        parts: dict[str, Any] = {"color": _hex(index), "linewidth": 1.5}
        axes.boxplot(
            [points],
            positions=[index],
            widths=0.5,
            showfliers=False,
            boxprops=parts,
            whiskerprops=parts,
            capprops=parts,
            medianprops=parts,
        )
        axes.plot([index] * len(points), points, _mark(index), color=_hex(index), markersize=3)
    axes.set_xticks(range(len(labels)), labels, rotation=20, ha="right", parse_math=False)
    told = "; ".join(
        f"{x}: {', '.join(f'{v:.1f}' for v in y)}" for x, y in zip(labels, values, strict=True)
    )
    label = f"mIoU of all classes in percent by class order. {told}"
    return _inline(figure, label, f"{family.title}, class orders")


def _curve(axes: Axes, index: int, by_step: Sequence[Sequence[float]], n: int, top: int) -> None:
    steps = [step for step, values in enumerate(by_step) if values]
    means = [statistics.mean(by_step[step]) for step in steps]
    deviations = [
        statistics.stdev(by_step[step]) if len(by_step[step]) > 1 else 0.0 for step in steps
    ]
    low = [min(d, mean) for d, mean in zip(deviations, means, strict=True)]
    high = [min(d, top - mean) for d, mean in zip(deviations, means, strict=True)]
    shift = 0.01 * n * (index % 5 - 2)  # Marks of equal values stay apart.
    places = [step + shift for step in steps]
    axes.errorbar(
        places,
        means,
        [low, high],
        color=_hex(index),
        marker=_mark(index),
        markersize=5,
        linewidth=1.8,
        elinewidth=1,
    )


def _mark(index: int) -> str:
    """A disc, square, diamond or triangle, so that colour is not the only sign."""
    return list(_MARKS)[(index + index // _N_COLOURS) % len(_MARKS)]


def _hex(index: int) -> str:
    return f"#c0de0{index % _N_COLOURS}"


def _inline(figure: Figure, label: str, salt: str) -> Markup:
    """The figure as an SVG element whose colours are the style sheet's, light or dark."""
    for artist in figure.findobj():
        artist.set_clip_on(False)  # The paths to clip at would need ids.
    file = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": salt}):
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(file, format="svg", transparent=True, metadata=nothing)
    head, _, drawn = file.getvalue().partition("<svg")[2].partition(">")
    box = re.findall(r'viewBox="([\d. ]+)"', head)[0]
    # Its style holds for the whole page, and the groups' ids are the same in every figure.
    drawn = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", drawn, flags=re.DOTALL)
    drawn = re.sub(r'<g id="[^"]*"', "<g", drawn).replace(_RULE, "var(--rule)")
    for index in range(_N_COLOURS):
        drawn = drawn.replace(_hex(index), f"var(--c{index})")
    start = Markup('<svg viewBox="{}" role="img" aria-label="{}">').format(box, label)
    return start + Markup(drawn)
