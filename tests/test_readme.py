"""The README's commands, script and claims."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
CI = (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_two_commands_do_all_the_set_up():
    assert [block.strip() for block in blocks("bash")] == [
        "pip install -e . && python -m experiments.run",
        'pip install -e ".[test]" && pytest',
    ]


def test_ci_runs_the_test_command_as_written():
    assert blocks("bash")[1].strip() in CI.splitlines()


def test_the_script_is_short_and_runs_as_it_is(tmp_path):
    (script,) = blocks("python")
    assert len([line for line in script.splitlines() if line.strip()]) <= 25
    (tmp_path / "mine.py").write_text(script, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "mine.py"], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert 0.0 <= float(done.stdout.strip().splitlines()[-1]) <= 1.0


def test_the_rooms_it_maps_exist():
    for room in re.findall(r"^\| `([\w/.]+)` \|", README, flags=re.MULTILINE):
        assert (ROOT / room).exists(), room
