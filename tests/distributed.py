"""Run a function in several processes that know each other."""

import multiprocessing
import os
import socket
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

# Children of a process that has imported everything: a new interpreter would import for seconds.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["experiments.run", "tests.tiny"])


def in_processes(
    function: Callable[..., None], n: int, *arguments: Any, cuda: bool = False
) -> None:
    """Call ``function(*arguments)`` in ``n`` processes of one process group; all must succeed.

    With ``cuda`` each has the GPU of its rank.
    """
    port = free_port()
    errors = FORKS.SimpleQueue()
    processes = [
        FORKS.Process(target=_child, args=(function, arguments, rank, n, port, errors, cuda))
        for rank in range(n)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=120)
        process.kill()
    found = []
    while not errors.empty():
        found.append(errors.get())
    assert not found, "\n".join(found)
    assert [process.exitcode for process in processes] == [0] * n


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])


def _child(function, arguments, rank, n, port, errors, cuda):
    from avalanche_seg.system import process_group

    torch.set_num_threads(1)
    os.environ |= {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(n),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }
    try:
        with process_group(cuda=cuda):
            function(*arguments)
    except BaseException:
        errors.put(f"process {rank}: {traceback.format_exc()}")
        raise


def save(path: Path, content: Any) -> None:
    """Write what a test wants to look at, one file a process."""
    torch.save(content, path.with_name(f"{path.name}.{os.environ.get('RANK', '0')}"))
