"""A suite beside its runs one by one: eight methods, two seeds, the demo's data and settings."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from avalanche_seg.cli.suites.plan import Plan, make_plan
from avalanche_seg.cli.suites.suite_file import make_suite
from profiling.report import Section, Target, main

__all__ = ["measure"]

_METHODS = ("FT", "LWF", "ILT", "MiB", "SMiB", "EWF", "PLOP", "LGKD")
_JOBS = 2
_BAR = 45  # Per cent of the time of the runs one by one.


def measure(*, quick: bool = False) -> list[Section]:
    """Seconds of the suite, of its runs one by one, and whether their weights are equal."""
    settings = {
        "name": "table",
        "dataset": "synthetic",
        "method": list(_METHODS[:2] if quick else _METHODS),
        "random_seed": [0] if quick else [0, 1],
        **({"epochs": 1, "crop_size": 32, "task": "19-1"} if quick else {}),
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings["data_root"] = str(folder / "synthetic")
        toml = folder / "table.toml"
        toml.write_text("".join(f"{key} = {value!r}\n" for key, value in settings.items()))
        plan = make_plan(make_suite(settings), folder)  # Makes the data, and reads them once.
        jobs = ["--jobs", str(_JOBS), "--threads", "1"]
        together = _seconds(["suite", str(toml), "--logdir", str(folder), *jobs])
        alone = sum(
            _seconds(["run", *run.argv, "--logdir", str(folder / "alone"), "--name", run.name])
            for run in plan.runs
        )
        equal = _equal(plan, folder / "alone")
    share = 100 * together / alone
    title = f"{len(_METHODS)} methods x 2 seeds, the suite over its runs one by one"
    return [
        Section(
            "A suite and its runs one by one",
            f"The demo (15-5, BiSeNet-R18), {', '.join(_METHODS)}, seeds 0 and 1: "
            f"`avalanche-seg suite --jobs {_JOBS} --threads 1`, and `avalanche-seg run` for each "
            "run, in one thread too, so that weights can be equal. The former trains four first "
            "steps instead of sixteen, imports torch once, and has two cores.",
            ["runs", "first steps", "one by one, s", "suite, s", "share", "weights"],
            [
                [
                    str(len(plan.runs)),
                    str(len(plan.first_steps)),
                    f"{alone:.0f}",
                    f"{together:.0f}",
                    f"{share:.0f} %",
                    f"{equal} of {len(plan.runs)} last models equal byte for byte",
                ]
            ],
            targets=[
                Target(title, _BAR, share, at_least=False, unit=" %", text=f"{share:.0f} %"),
            ],
        )
    ]


def _seconds(command: list[str]) -> float:
    begin = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "avalanche_seg.cli.main", *command],
        check=True,
        capture_output=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    return time.perf_counter() - begin


def _equal(plan: Plan, alone: Path) -> int:
    """How many runs have the same last model in both."""
    models = [(run.model, alone / run.name / "models" / run.model.name) for run in plan.runs]
    return sum(mine.read_bytes() == other.read_bytes() for mine, other in models)


if __name__ == "__main__":
    main(measure)
