"""The peak memory of a process."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from avalanche_seg.system import memory, peak_memory, reset_peak_memory

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="the peak begins anew on Linux only")
MIB = 2**20


@LINUX
def test_the_peak_holds_what_was_freed_until_it_begins_anew():
    reset_peak_memory()
    before = peak_memory()["resident"]
    block = bytearray(b"x" * (100 * MIB))
    with_block = peak_memory()["resident"]
    assert with_block >= before + 90 * MIB
    del block
    assert peak_memory()["resident"] == with_block
    reset_peak_memory()
    assert peak_memory()["resident"] <= with_block - 50 * MIB


@LINUX
def test_the_memory_of_the_process_that_started_this_one_does_not_count():
    block = torch.ones(400 * MIB // 4)
    reset_peak_memory()
    code = "from avalanche_seg.system.memory import _resident; print(_resident())"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    alone = int(shown.stdout)
    del block
    code = f"block = bytearray(b'x' * {100 * MIB}); {code}"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert alone + 50 * MIB <= int(shown.stdout) <= alone + 250 * MIB


def test_a_system_that_does_not_tell_it_gives_nothing(monkeypatch):
    monkeypatch.setattr(memory, "_PROC", Path("nowhere"))
    monkeypatch.setattr(memory.sys, "platform", "plan9")
    reset_peak_memory()
    assert peak_memory() == {}


def test_a_gpu_has_the_peak_of_its_allocator_too(monkeypatch):
    asked = []
    monkeypatch.setattr(
        torch.cuda, "max_memory_allocated", lambda device: asked.append(device) or 7
    )
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", asked.append)
    reset_peak_memory("cuda:1")
    assert asked == [], "not used yet"
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    reset_peak_memory("cuda:1")
    assert peak_memory("cuda:1")["gpu"] == 7
    assert asked == ["cuda:1", "cuda:1"]
