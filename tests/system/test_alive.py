"""Processes told by plain values."""

import json
import os
import subprocess
import sys

import pytest

from avalanche_seg.system.alive import is_alive, pid_is_alive, this_process

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows does not tell")


def test_a_process_is_told_until_its_end():
    code = (
        "import json, sys; from avalanche_seg.system.alive import this_process\n"
        "print(json.dumps(this_process()), flush=True); sys.stdin.read()"
    )
    child = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    told = json.loads(child.stdout.readline())
    assert told["pid"] == child.pid and is_alive(told) and pid_is_alive(child.pid)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # A zombie now.
    assert not pid_is_alive(child.pid) and is_alive(told) is False
    child.communicate()
    assert not pid_is_alive(child.pid) and is_alive(told) is False


def test_a_later_process_of_the_same_number_is_another_one():
    me = this_process()
    if me["started"] is None:
        pytest.skip("the system does not tell when a process started")
    assert is_alive(me) and is_alive(me | {"started": me["started"] - 1}) is False


@pytest.mark.parametrize("change", [{"host": "other"}, {"namespace": "pid:[1]"}])
def test_processes_of_other_machines_and_containers_are_not_known(change):
    assert is_alive(this_process() | change) is None
