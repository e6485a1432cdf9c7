"""Exceptions as sentences."""

import numpy as np
import pytest
import torch

from avalanche_seg.cli.failures import INTERRUPTED, exit_code_of, sentence_of


def caught(make):
    try:
        make()
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


@pytest.mark.parametrize(
    "error",
    [
        caught(lambda: torch.empty(10**14)),
        caught(lambda: np.empty(10**15)),
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nmore"),
        RuntimeError("Caught RuntimeError in DataLoader worker process 0.\nOriginal Traceback:\n x"
            "\n[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory"),
    ],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
def test_full_memory_names_what_to_lower(error):
    told = sentence_of(error, less_memory="a lower --x", go_on="; saved")
    assert told.endswith(". Start again with a lower --x; saved") and "\n" not in told
    assert "Traceback" not in told


@pytest.mark.parametrize(
    "text",
    [
        "DataLoader worker (pid 12) is killed by signal: Killed. ",
        "DataLoader worker (pid(s) 12, 13) exited unexpectedly",
        "DataLoader worker (pid 12) is killed by signal: Bus error. It is possible that\n shm",
        "unable to write to file </torch_12_345_0>: No space left on device (28)",
        "Caught RuntimeError in DataLoader worker process 0.\nOriginal Traceback\n  File x\n"
        "RuntimeError: unable to allocate shared memory(shm) for file </torch_3_4>",
        "received 0 items of ancdata",
    ],
)
def test_a_lost_loading_process_names_the_remedy(text):
    told = sentence_of(RuntimeError(text), less_memory="", go_on="; --resume")
    assert told.startswith("a process that loads data was lost") and told.endswith("; --resume")
    assert "--num_workers" in told and "--shm-size" in told and "\n" not in told


@pytest.mark.parametrize("error", [KeyError("x"), RuntimeError("shapes differ"), TypeError("y")])
def test_faults_of_the_code_keep_their_traceback(error):
    assert sentence_of(error, less_memory="") is None


def test_bad_input_is_told_as_it_is_also_from_a_loading_process():
    assert sentence_of(FloatingPointError("the loss is nan"), less_memory="") == "the loss is nan"
    wrapped = "Caught ValueError in DataLoader worker process 0.\nTraceback\nValueError: a.png: bad"
    assert sentence_of(ValueError(wrapped), less_memory="") == "a.png: bad"


def test_a_command_ends_with_one_line_or_the_error_itself(capsys):
    assert exit_code_of(KeyboardInterrupt(), less_memory="") == INTERRUPTED == 130
    assert exit_code_of(ValueError("--size 0"), less_memory="") == 2
    assert capsys.readouterr().err == "\ninterrupted\nerror: --size 0\n"
    with pytest.raises(KeyError, match="x"):
        exit_code_of(KeyError("x"), less_memory="")
