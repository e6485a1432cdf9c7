import copy
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler, TensorDataset

from avalanche_seg.loading import WorkerPool, seeded_loader
from avalanche_seg.loading import workers as module
from avalanche_seg.loading.workers import PooledLoader, make_loader


class Noise(Dataset):
    """Sample i is (i + offset, a random number, the process)."""

    def __init__(self, offset=0, n=10):
        self.offset, self.n = offset, n

    def __len__(self):
        return self.n

    def __getitem__(self, index):
        if self.offset == -1:
            raise ValueError("unreadable")
        if self.offset == -2:
            os._exit(3)
        return index + self.offset, torch.rand(()), os.getpid()


class WithLambda(Noise):
    def __init__(self, offset=0):
        super().__init__(offset)
        self.unpicklable = lambda x: x


OPTIONS = {"num_workers": 2, "persistent_workers": True}


@pytest.fixture
def pool():
    pool = WorkerPool()
    yield pool
    pool.close()


def loader(pool, dataset, **options):
    batches = BatchSampler(RandomSampler(range(len(dataset))), 3, drop_last=True)
    return seeded_loader(dataset, batches, pool=pool, **(OPTIONS | options))


def passes(loader):
    """What was loaded, and by which processes."""
    batches = list(loader)
    values = [(i.tolist(), x.tolist()) for i, x, _ in batches]
    return values, {pid for _, _, pids in batches for pid in pids.tolist()}


def run(pool, datasets, **options):
    torch.manual_seed(3)
    found, pids = [], []
    for dataset in datasets:
        one = loader(pool, dataset, **options)
        for _ in range(2):  # Epochs.
            values, ids = passes(one)
            found.append(values)
            pids.append(ids)
    return found, pids


STEPS = [Noise(0), Noise(100, n=7), Noise(200)]


def test_workers_outlive_the_data_set_and_change_no_batch(pool):
    expected, _ = run(None, STEPS, num_workers=0, persistent_workers=False)
    found, pids = run(pool, STEPS)
    assert found == expected
    assert all(ids == pids[0] for ids in pids) and len(pids[0]) == 2
    assert run(pool, STEPS, prefetch_factor=1)[0] == expected
    assert len({str(epoch) for epoch in expected}) == len(expected)


def test_without_a_pool_or_workers_or_persistence_it_is_a_plain_loader(pool):
    batches = [[0, 1], [2]]
    for options in ({}, {"num_workers": 1}, {"num_workers": 1, "persistent_workers": False}):
        assert type(make_loader(Noise(), batches, pool=pool, **options)) is DataLoader
    assert type(make_loader(Noise(), batches, **OPTIONS)) is DataLoader
    pooled = make_loader(Noise(), batches, pool=pool, **OPTIONS)
    assert isinstance(pooled, PooledLoader)
    assert (len(pooled), pooled.num_workers, len(pooled.dataset)) == (2, 2, 10)
    assert copy.copy(pooled).num_workers == 2


def test_options_of_the_user_hold_and_others_start_new_workers(pool):
    seen = []
    for collate in (len, len, str):
        one = loader(pool, Noise(), collate_fn=collate, worker_init_fn=torch.manual_seed)
        seen.append((next(iter(one)), {p.pid for p in pool._workers._iterator._workers}))
    assert [type(batch) for batch, _ in seen] == [int, int, str]
    assert seen[0][1] == seen[1][1] != seen[2][1]


def test_a_pass_may_be_left_early(pool):
    one = loader(pool, Noise())
    torch.manual_seed(0)
    expected = passes(one)[0]
    for _ in one:
        break
    torch.manual_seed(0)
    assert passes(one)[0] == expected
    next(iter(loader(pool, Noise(50))))
    assert min(i for batch, _ in passes(loader(pool, Noise(100)))[0] for i in batch) >= 100


def test_two_passes_at_once_are_each_served(pool):
    first, second = loader(pool, Noise()), loader(pool, Noise(100))
    pairs = list(zip(first, second, strict=True))
    assert len(pairs) == 3
    assert all((a[0] < 100).all() and (b[0] >= 100).all() for a, b in pairs)


def test_an_error_is_raised_and_the_next_pass_starts_anew(pool):
    with pytest.raises(ValueError, match="unreadable"):
        list(loader(pool, Noise(-1)))
    assert len(passes(loader(pool, Noise()))[0]) == 3


def test_a_worker_that_dies_is_an_error_and_no_hang(pool):
    passes(loader(pool, Noise()))
    with pytest.raises(RuntimeError, match="exited unexpectedly"):
        list(loader(pool, Noise(-2)))
    assert len(passes(loader(pool, Noise()))[0]) == 3


@pytest.mark.parametrize("large", [False, True])
def test_what_cannot_be_sent_has_workers_of_its_own(pool, monkeypatch, large):
    datasets = [WithLambda(), WithLambda(100)]
    if large:
        monkeypatch.setattr(module, "_MOST_BYTES", 10)
        datasets = STEPS[:2]
    expected, _ = run(None, datasets, num_workers=0, persistent_workers=False)
    found, pids = run(pool, datasets)
    assert found == expected
    assert pids[0].isdisjoint(pids[2])


def test_large_tensors_are_refused_before_they_are_copied(monkeypatch):
    assert module._pickled(TensorDataset(torch.zeros(1000))) is not None
    monkeypatch.setattr(module, "_MOST_BYTES", 999)
    assert module._pickled(TensorDataset(torch.zeros(1000, dtype=torch.uint8)[:10])) is None
    assert module._pickled(Noise()) is not None


def alive(pids):
    return [pid for pid in pids if Path(f"/proc/{pid}").exists()]


@pytest.mark.parametrize("by", ["close", "garbage"])
def test_workers_and_files_are_gone_at_the_end(by):
    pool = WorkerPool()
    _, pids = passes(loader(pool, Noise()))
    folder = pool._folder
    assert len(alive(pids)) == 2 and len(list(folder.iterdir())) == 1
    passes(loader(pool, Noise(100)))
    assert len(list(folder.iterdir())) == 1, "only the current data set is kept"
    if by == "close":
        pool.close()
    del pool
    for _ in range(50):
        if not alive(pids):
            break
        time.sleep(0.1)
    assert not alive(pids) and not folder.exists()


def test_a_copy_of_a_pool_is_a_pool_of_its_own(pool):
    passes(loader(pool, Noise()))
    assert copy.deepcopy(pool)._workers is None


SCRIPT = """
import sys, torch
from torch.utils.data import Dataset
from avalanche_seg.loading.workers import WorkerPool, make_loader

class First(Dataset):
    def __getitem__(self, i): return 1

pool = WorkerPool()
options = dict(num_workers=1, persistent_workers=True, pool=pool)
print(list(make_loader(First(), [[0]], **options)))
exec("class Second(First):\\n    def __getitem__(self, i): return 2")
print(list(make_loader(Second(), [[0]], **options)))
print(pool._folder)
if sys.argv[1] == "raise":
    for batch in make_loader(First(), [[0], [0]], **options):
        raise KeyError("in the loop")
"""


@pytest.mark.parametrize("end", ["return", "raise"])
def test_a_script_ends_and_may_define_classes_in_between(tmp_path, end):
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", path, end], capture_output=True, text=True, timeout=120
    )
    first, second, folder = done.stdout.splitlines()
    assert (first, second) == ("[tensor([1])]", "[tensor([2])]")
    assert not Path(folder).exists()
    if end == "return":
        assert (done.returncode, done.stderr) == (0, "")
    else:
        assert done.stderr.rstrip().endswith("KeyError: 'in the loop'")
