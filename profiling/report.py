"""Sections of results, and their markdown."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from profiling.machine import describe_machine

__all__ = ["Measure", "Section", "Target", "main", "markdown", "targets_section"]


@dataclass(frozen=True)
class Target:
    """A bound that a measured number is held against.

    Attributes:
        what: is measured, with its size.
        bound: the number wanted.
        measured: the number found, in the bound's unit.
        at_least: whether ``measured`` should be the bound or more; else the bound or less.
        unit: written behind both numbers.
        text: ``measured`` as it is shown, for instance with its spread; default the number.
    """

    what: str
    bound: float
    measured: float
    at_least: bool = True
    unit: str = "x"
    text: str = ""

    @property
    def met(self) -> bool:
        """Whether the bound holds."""
        return self.measured >= self.bound if self.at_least else self.measured <= self.bound

    def row(self) -> list[str]:
        """What, target, measured, met."""
        sign = ">=" if self.at_least else "<="
        measured = self.text or f"{self.measured:.3g}{self.unit}"
        return [
            self.what,
            f"{sign} {self.bound:g}{self.unit}",
            measured,
            "yes" if self.met else "no",
        ]


@dataclass(frozen=True)
class Section:
    """A table with words before and after it.

    Attributes:
        title: of the section.
        intro: what is compared with what, in a sentence or two.
        header: names of the columns.
        rows: cells, as many as the header has.
        notes: sentences below the table.
        targets: bounds that this section's numbers are held against.
    """

    title: str
    intro: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()
    targets: Sequence[Target] = ()

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.header):
                raise ValueError(
                    f"section {self.title!r}: got a row of {len(row)} cells, {list(row)}; expected "
                    f"{len(self.header)}, one a column"
                )


class Measure(Protocol):
    """The function every script has."""

    def __call__(self, *, quick: bool = False) -> list[Section]:
        """Measure and give the sections; ``quick``: tiny sizes, to see that everything runs."""


def markdown(sections: Sequence[Section]) -> str:
    """Sections as markdown, a heading of the second level each.

    Example:
        >>> print(markdown([Section("Times", "Seconds a call.", ["what", "s"], [["a", "1.0"]])]))
        ## Times
        <BLANKLINE>
        Seconds a call.
        <BLANKLINE>
        | what | s |
        | --- | --- |
        | a | 1.0 |
        <BLANKLINE>
    """
    return "\n".join(_markdown(section) for section in sections)


def _markdown(section: Section) -> str:
    lines = [f"## {section.title}", "", section.intro, ""]
    if section.rows:
        lines += [_row(section.header), _row(["---"] * len(section.header))]
        lines += [*map(_row, section.rows), ""]
    lines += [line for note in section.notes for line in (f"- {note}",)]
    if section.notes:
        lines.append("")
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def targets_section(sections: Sequence[Section]) -> Section:
    """The table of every target of the sections, in their order."""
    return Section(
        "Targets",
        "Ratios are medians over pairs measured in alternation; the quartiles stand in brackets.",
        ["what", "target", "measured", "met"],
        [target.row() for section in sections for target in section.targets],
    )


def main(measure: Measure, arguments: Sequence[str] | None = None) -> None:
    """The command of a script: measure and print the sections.

    Args:
        measure: the script's function.
        arguments: default the command line's.
    """
    parser = argparse.ArgumentParser(description=measure.__doc__)
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to see that it runs")
    quick = parser.parse_args(arguments).quick
    sections = measure(quick=quick)
    targets = [targets_section(sections)] if any(s.targets for s in sections) else []
    print(f"{describe_machine()}\n\n{markdown([*targets, *sections])}", end="")
