"""The page of a report: a template, and what it calls."""

import json
from collections.abc import Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined

from avalanche_seg.cli.class_orders import order_families
from avalanche_seg.cli.groups import Group, Section
from avalanche_seg.cli.reporting import tables
from avalanche_seg.cli.reporting.charts import boxes, curves, legend
from avalanche_seg.cli.reporting.gallery import gallery
from avalanche_seg.cli.reporting.published import (
    convention,
    differences,
    other_settings,
    published_for,
)
from avalanche_seg.cli.reporting.rebuild import command_of
from avalanche_seg.cli.runs import EXTRA_DIGITS, spread
from avalanche_seg.cli.significance import check_against, told_apart

__all__ = ["page"]

_CALLED = {
    **{name: getattr(tables, name) for name in tables.__all__},
    **{f.__name__: f for f in (boxes, curves, gallery, legend, command_of, spread)},
    **{f.__name__: f for f in (convention, differences, other_settings, published_for, told_apart)},
    "EXTRA_DIGITS": EXTRA_DIGITS,
    "Group": Group,
    "dumps": json.dumps,
}


def page(
    sections: Sequence[Section],
    *,
    title: str | None = None,
    n_pictures: int = 6,
    against: str | None = None,
) -> str:
    """The whole page, HTML; equal runs give equal pages.

    Args:
        sections: as :func:`avalanche_seg.cli.reading.read_sections` gives them.
        title: of the page; None makes one of tasks and data sets.
        n_pictures: pictures per section at most.
        against: the method that all others are compared with; None compares each with the next
            best.

    Raises:
        ValueError: when no section has the method ``against``.
    """
    check_against(sections, against)
    environment = Environment(
        loader=PackageLoader("avalanche_seg.cli.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    tasks = ", ".join(section.title for section in sections)
    return environment.get_template("report.html.j2").render(
        _CALLED,
        n_runs=sum(len(group.runs) for section in sections for group in section.groups),
        title=title or f"Class-incremental segmentation: {tasks}",
        sections=sections,
        families=order_families(sections),
        against=against,
        n_pictures=n_pictures,
    )
