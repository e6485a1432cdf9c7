"""What a suite shows: its plan before it starts, a live table while it works, its end."""

import math
import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from avalanche_seg.cli.suites.plan import Plan
from avalanche_seg.cli.suites.scheduler import State

__all__ = ["LiveTable", "plan_text", "summary"]

_SETTLE = 20.0  # Seconds of training before a finishing time is told.
_LINE_EVERY = 60.0  # Seconds between two lines where the output is no terminal.
_MARKS = {"finished": "green", "running": "cyan", "elsewhere": "magenta", "failed": "red"}
_MARKS |= {"blocked": "red", "waiting": "dim"}


def plan_text(plan: Plan) -> str:
    """The jobs of a plan, what they share, and how many iterations are expected."""
    jobs = plan.jobs
    width = max(len(job.name) for job in jobs)
    lines = [f"suite {plan.name} in {plan.folder}"]
    for job in jobs:
        state = "finished" if job.finished else "in use" if job.holder else ""
        if not state and not plan.is_needed(job):
            state = "not needed"
        if not state and job.done:
            state = f"{100 * job.done // job.total} % done"
        steps = ", ".join(map(str, job.iterations))
        shared = "" if job.first_step is None else f"; step 0: {job.first_step.name}"
        word = "step" if len(job.iterations) == 1 else "steps"
        told = f"  {job.name:<{width}}  {word} {steps}: {job.total:,} iterations{shared}"
        lines.append(told + (f"  [{state}]" if state else ""))
    alone = sum(run.total + (run.first_step.total if run.first_step else 0) for run in plan.runs)
    together = sum(job.total for job in jobs)
    left = sum(job.total - job.done for job in jobs if plan.is_needed(job))
    lines.append(
        f"{len(plan.runs)} runs, {len(plan.first_steps)} shared first steps; {together:,} "
        f"iterations where runs one by one have {alone:,}; {left:,} are left"
    )
    return "\n".join(lines)


def summary(plan: Plan, states: Sequence[State]) -> str:
    """How a suite ended: counts, then every job that failed with its reason and its log."""
    counts = Counter(state.told for state in states if not state.job.is_first_step)
    told = ", ".join(f"{counts[name]} {name}" for name in _MARKS if counts[name])
    lines = [f"suite {plan.name}: {told}"]
    for state in states:
        if state.told in ("failed", "blocked"):
            lines.append(f"  {state.job.name} {state.told}: {state.why}")
        if state.told == "failed":
            lines.append(f"    {plan.folder / 'logs' / state.job.name}.log")
    return "\n".join(lines)


class LiveTable:
    """One table of what runs where, redrawn in place; lines alone where there is no terminal.

    Use it as a context.

    Args:
        plan: that is worked off.
        console: where to; the standard output by default.
    """

    def __init__(self, plan: Plan, console: Console | None = None) -> None:
        self.plan = plan
        self.console = console or Console(highlight=False)
        self._live = Live(console=self.console, auto_refresh=False, transient=True)
        self._began = self._told = time.monotonic()
        self._before = sum(job.done for job in plan.jobs)

    def __enter__(self) -> "LiveTable":
        if self.console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self.console.is_terminal:
            self._live.stop()

    def note(self, text: str) -> None:
        """Print a line above the table, with the time."""
        line = f"{datetime.now():%H:%M:%S}  {text}"
        self.console.print(line, markup=False, soft_wrap=True)

    def show(self, states: Sequence[State]) -> None:
        """Draw the table anew; without a terminal print one line a minute."""
        if self.console.is_terminal:
            self._live.update(self._table(states), refresh=True)
        elif time.monotonic() - self._told > _LINE_EVERY:
            self._told = time.monotonic()
            self.note(self._overall(states))

    def _table(self, states: Sequence[State]) -> Table:
        table = Table(title=f"suite {self.plan.name}", caption=self._overall(states))
        for name in ("job", "state", "where", "iterations", ""):
            table.add_column(name)
        shown = [s for s in states if s.told in ("running", "elsewhere", "failed", "blocked")]
        # What waits fills the rest of the screen.
        room = max(0, self.console.height - len(shown) - 8)
        waiting = [s for s in states if s.told == "waiting"]
        for state in (*shown, *waiting[:room]):
            done, total = state.job.done, state.job.total
            table.add_row(
                Text(state.job.name),
                Text(state.told, style=_MARKS[state.told]),
                Text(state.where or state.why),
                f"{done:,} / {total:,}",
                ProgressBar(total=total, completed=done, width=20),
            )
        if len(waiting) > room:
            table.add_row(f"and {len(waiting) - room} more", Text("waiting", style="dim"))
        return table

    def _overall(self, states: Sequence[State]) -> str:
        counts = Counter(state.told for state in states)
        told = ", ".join(f"{counts[name]} {name}" for name in _MARKS if counts[name])
        return f"{told}; {self._end(states)}"

    def _end(self, states: Sequence[State]) -> str:
        """When all will be finished, at the rate so far."""
        seconds = time.monotonic() - self._began
        done = sum(state.job.done for state in states)
        open_states = [s for s in states if s.told in ("waiting", "running", "elsewhere")]
        left = sum(state.job.total - state.job.done for state in open_states)
        rate = (done - self._before) / seconds if seconds > _SETTLE else 0.0
        if rate <= 0:
            return f"{left:,} iterations left"
        try:
            end = datetime.now() + timedelta(seconds=math.ceil(left / rate))
        except OverflowError:
            return f"{left:,} iterations left"
        day = "" if end.date() == datetime.now().date() else f"{end:%a %d %b} "
        return f"{left:,} iterations left, {rate:.1f} a second: until about {day}{end:%H:%M}"
