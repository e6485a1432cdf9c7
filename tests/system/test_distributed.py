"""One process alone, and processes that wait for one that does not come."""

import os
import time
from datetime import timedelta

import pytest
import torch

from avalanche_seg.system import distributed
from tests.distributed import FORKS, free_port


def test_alone_everything_is_the_identity():
    assert (distributed.world_size(), distributed.rank(), distributed.is_main()) == (1, 0, True)
    value = torch.ones(2)
    assert distributed.all_reduce_sum_(value) is value and value.tolist() == [1, 1]
    assert distributed.any_rank(True) and not distributed.any_rank(False)
    assert distributed.broadcast("x") == "x"
    with distributed.process_group(cuda=False):
        assert distributed.world_size() == 1


def waits(rank, port, hangs, ended):
    os.environ |= {
        "RANK": str(rank),
        "WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }
    with distributed.process_group(cuda=False, timeout=timedelta(seconds=3)):
        distributed.all_reduce_sum_(torch.ones(1))
        if rank == hangs:
            time.sleep(60)
        start = time.monotonic()
        try:
            distributed.all_reduce_sum_(torch.ones(1))
        except RuntimeError:
            ended.put(time.monotonic() - start)
            os._exit(1)


def test_a_process_that_hangs_ends_the_others_with_an_error():
    port, ended = free_port(), FORKS.SimpleQueue()
    processes = [FORKS.Process(target=waits, args=(rank, port, 1, ended)) for rank in (0, 1)]
    for process in processes:
        process.start()
    processes[0].join(timeout=60)
    processes[1].kill()
    assert processes[0].exitcode == 1
    assert ended.get() == pytest.approx(3, abs=3)
