import os
import subprocess
import sys
from pathlib import Path

import pytest

CASES = Path(__file__).with_name("triton_cases.py")


def test_the_kernel_is_the_plain_formula_by_tritons_interpreter():
    # The interpreter has to be asked for before Triton is imported.
    pytest.importorskip("triton", reason="Triton comes with torch's builds for CUDA alone")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(CASES)]
    done = subprocess.run(
        command,
        cwd=CASES.parents[2],
        env={**os.environ, "TRITON_INTERPRET": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    assert " passed" in done.stdout
