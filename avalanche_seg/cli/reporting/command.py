"""One self-contained HTML page about runs: ``python -m experiments.report runs/*``."""

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from avalanche_seg.cli.options.parser import normalize_flags
from avalanche_seg.cli.reporting.charts import curves
from avalanche_seg.cli.reporting.gallery import gallery
from avalanche_seg.cli.reporting.html import Html, element, markup, table
from avalanche_seg.cli.reporting.rebuild import command_of
from avalanche_seg.cli.reporting.runs import Group, Run, Section, read_sections, spread
from avalanche_seg.cli.reporting.style import STYLE
from avalanche_seg.cli.reporting.tables import (
    class_table,
    forgetting_table,
    published_table,
    summary_table,
)
from avalanche_seg.system import atomic_write

__all__ = ["main", "page"]

_MEANS = {
    "old": "mIoU_old",
    "new": "mIoU_new",
    "all": "mIoU_all",
    "old with bg": "mIoU_old_bg",
    "new with bg": "mIoU_new_bg",
    "all with bg": "mIoU_all_bg",
    "harmonic": "mIoU_harmonic",
    "pixel accuracy": "pixel_accuracy",
    "mean class accuracy": "mean_class_accuracy",
}
_EXPLAINED = (
    "Old are the classes of step 0, new those learned since, all both; mIoU leaves the background "
    "(bg) out unless a column says otherwise. Runs that differ in their seed only share a line: "
    "mean ± standard deviation."
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code (2 for bad input)."""
    parser = argparse.ArgumentParser(
        prog="python -m experiments.report",
        description="Write one HTML page about runs that needs no other file and no network: "
        "curves, IoU by class and step, forgetting, published numbers, pictures, settings. Runs "
        "that differ in their seed only share a line.",
        allow_abbrev=False,
    )
    parser.add_argument("runs", nargs="+", type=Path, help="run folders")
    parser.add_argument(
        "--output", type=Path, default=Path("report.html"), help="the page (default: report.html)"
    )
    parser.add_argument("--title", help="of the page (default: tasks and data sets)")
    parser.add_argument(
        "--sample_num",
        type=int,
        default=6,
        help="pictures a task, each with the predictions after every step (default: 6; 0: none)",
    )
    given = parser.parse_args(normalize_flags(sys.argv[1:] if argv is None else argv))
    try:
        if given.sample_num < 0:
            raise ValueError(f"--sample_num {given.sample_num}; expected zero or more")
        sections = read_sections(given.runs)
        content = page(sections, title=given.title, n_pictures=given.sample_num)
        with atomic_write(given.output) as temporary:
            temporary.write_text(content, encoding="utf-8")
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"report: {given.output}")
    return 0


def page(sections: Sequence[Section], *, title: str | None = None, n_pictures: int = 6) -> Html:
    """The whole page.

    Args:
        sections: as :func:`avalanche_seg.cli.reporting.runs.read_sections` gives them.
        title: of the page; None makes one of tasks and data sets.
        n_pictures: pictures a section at most.
    """
    tasks = ", ".join(section.title for section in sections)
    title = title or f"Class-incremental segmentation: {tasks}"
    n_runs = sum(len(group.runs) for section in sections for group in section.groups)
    contents = [
        element("li", element("a", section.title, href=f"#section{i}"))
        for i, section in enumerate(sections)
    ]
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("link", rel="icon", href="data:,"),
        element("title", title),
        element("style", Html(STYLE)),
    )
    body = element(
        "body",
        element(
            "header",
            element("h1", title),
            element("p", f"{n_runs} run{'s' if n_runs > 1 else ''}. {_EXPLAINED}", class_="note"),
            element("nav", element("ul", *contents)) if len(sections) > 1 else "",
        ),
        element("main", *(_section(i, s, n_pictures) for i, s in enumerate(sections))),
        element(
            "footer",
            f"Written {_minute(datetime.now())} by python -m experiments.report.",
        ),
    )
    return markup(Html("<!doctype html>\n"), element("html", head, body, lang="en"), Html("\n"))


def _section(number: int, section: Section, n_pictures: int) -> Html:
    published = published_table(section)
    pictures = gallery(section, n_pictures)
    lost = forgetting_table(section)
    by_class = element(
        "div",
        element("div", element("h3", "IoU by class and step"), class_table(section)),
        element("div", element("h3", "Forgetting by class"), lost) if lost else "",
        class_="columns",
    )
    absent = element("p", "These runs do not tell the IoU by class.", class_="note")
    return element(
        "section",
        element("h2", section.title),
        summary_table(section),
        element("h3", "mIoU by step"),
        curves(section),
        by_class if section.learned else absent,
        element("h3", "Published numbers"),
        published
        or element(
            "p",
            "MiB's Table 1 and SMiB's report have no numbers for these methods on this task and "
            "setting.",
            class_="note",
        ),
        element("h3", "Predictions") if pictures else "",
        pictures or "",
        element("h3", "Runs"),
        *(_run(group, run) for group in section.groups for run in group.runs),
        id=f"section{number}",
    )


def _run(group: Group, run: Run) -> Html:
    """What is to know about one run, folded."""
    seed = run.config.get("random_seed", "?")
    summary = f"{run.name}: {group.label}, seed {seed}, {_minute(run.finished)}"
    command = command_of(run.config)
    alone = Group(group.label, (run,))
    rows = [
        (
            step.get("step", i),
            *(spread(alone.means(m, i)) for m in _MEANS.values()),
        )
        for i, step in enumerate(run.steps)
    ]
    config = [
        (name, value if isinstance(value, str) else json.dumps(value))
        for name, value in run.config.items()
    ]
    told = (
        element("pre", command)
        if command
        else element("p", "No command of today gives these settings.", class_="note")
    )
    return element(
        "details",
        element("summary", summary),
        table(("after step", *_MEANS), rows, caption="Percent"),
        element("p", "The command for the same settings:", class_="note") if command else "",
        told,
        element(
            "details",
            element("summary", "Configuration"),
            element("div", table(("setting", "value"), config), class_="config"),
        ),
    )


def _minute(when: datetime) -> str:
    return when.isoformat(sep=" ", timespec="minutes")
