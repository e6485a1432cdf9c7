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


def test_the_script_is_short():
    script = blocks("python")[0]
    assert len([line for line in script.splitlines() if line.strip()]) <= 25


def test_the_script_and_the_mixed_methods_run_as_they_are(tmp_path):
    (tmp_path / "mine.py").write_text("\n".join(blocks("python")), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "mine.py"], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    (miou,) = re.findall(r"^\d+\.\d+(?:e-\d+)?$", done.stdout, flags=re.MULTILINE)
    assert 0.0 <= float(miou) <= 1.0
    assert {"16 -> 21", "finished step 1"} <= set(done.stdout.splitlines())


def test_the_rooms_it_maps_exist():
    for room in re.findall(r"^\| `([\w/.]+)` \|", README, flags=re.MULTILINE):
        assert (ROOT / room).exists(), room
