import platform
import subprocess
import sys

import pytest

# Megabytes that stay resident of a tensor of 64, touched and freed.
PROGRAM = """
import torch
from avalanche_seg.system.allocator import keep_freed_memory

def resident():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) >> 10

torch.ones(10)
if {keep}:
    assert keep_freed_memory()
before = resident()
tensor = torch.ones(1 << 24)
assert resident() - before >= 60
del tensor
print(resident() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's switch")
@pytest.mark.parametrize("keep", [False, True])
def test_freed_memory_is_kept_when_asked_for(keep):
    run = [sys.executable, "-W", "ignore", "-c", PROGRAM.format(keep=keep)]
    left = int(subprocess.run(run, check=True, capture_output=True, text=True).stdout)
    assert (left >= 60) == keep
