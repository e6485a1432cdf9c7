"""The page of a report: what its template shows, section by section."""

from collections.abc import Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from avalanche_seg.cli.reporting.charts import curves, legend
from avalanche_seg.cli.reporting.gallery import gallery
from avalanche_seg.cli.reporting.rebuild import command_of
from avalanche_seg.cli.reporting.tables import (
    class_table,
    config_table,
    forgetting_table,
    published_rows,
    steps_table,
    summary_table,
)
from avalanche_seg.cli.runs import Group, Run, Section

__all__ = ["page"]


def page(sections: Sequence[Section], *, title: str | None = None, n_pictures: int = 6) -> str:
    """The whole page, HTML; equal runs give equal pages.

    Args:
        sections: as :func:`avalanche_seg.cli.runs.read_sections` gives them.
        title: of the page; None makes one of tasks and data sets.
        n_pictures: pictures per section at most.
    """
    environment = Environment(
        loader=PackageLoader("avalanche_seg.cli.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    tasks = ", ".join(section.title for section in sections)
    return environment.get_template("report.html.j2").render(
        title=title or f"Class-incremental segmentation: {tasks}",
        n_runs=sum(len(group.runs) for section in sections for group in section.groups),
        sections=[_section(section, n_pictures) for section in sections],
    )


def _section(section: Section, n_pictures: int) -> dict[str, Any]:
    return {
        "title": section.title,
        "summary": summary_table(section),
        "charts": curves(section),
        "legend": legend(section),
        "heat": class_table(section),
        "forgetting": forgetting_table(section),
        "published": published_rows(section),
        "gallery": gallery(section, n_pictures),
        "runs": [_run(section, group, run) for group in section.groups for run in group.runs],
    }


def _run(section: Section, group: Group, run: Run) -> dict[str, Any]:
    """What there is to know about one run, folded."""
    seed = run.config.get("random_seed", "?")
    finished = run.finished.isoformat(sep=" ", timespec="minutes")
    return {
        "summary": f"{run.name}: {group.label}, seed {seed}, {finished}",
        "steps": steps_table(Group(group.label, (run,)), section.extra),
        "command": command_of(run.config),
        "config": config_table(run.config),
    }
