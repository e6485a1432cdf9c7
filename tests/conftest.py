import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

# Before torch is imported: tests run side by side, each in one thread.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import hypothesis
import pytest

from avalanche_seg.datasets import SegmentationFiles, read_folder
from avalanche_seg.kernels import tile_resize
from tests.devkits import write_devkit
from tests.insects import CLASS_NAMES, MASKS

# The same examples in every run, and no time limit on a busy machine.
hypothesis.settings.register_profile("tests", max_examples=60, deadline=None, derandomize=True)
hypothesis.settings.load_profile("tests")


@pytest.fixture(scope="session", autouse=True)
def statistics_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep mask statistics out of the user's home."""
    folder = tmp_path_factory.mktemp("statistics_cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AVALANCHE_SEG_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="module")
def module_folder(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Path]:
    """A folder that the tests of a file share; runs are large, so it goes with the last of them."""
    folder = tmp_path_factory.mktemp(request.module.__name__.rpartition(".")[2])
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def set_tile_bytes(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Sets how large a tile may be, however few pixels that leaves."""

    def set_bytes(budget: int) -> None:
        monkeypatch.setattr(tile_resize, "_CPU_TILE", budget)
        monkeypatch.setattr(tile_resize, "_LEAST_PIXELS", 1)

    return set_bytes


@pytest.fixture
def without_triton(monkeypatch: pytest.MonkeyPatch) -> None:
    """Triton's kernel wants values, which fake tensors lack; tests/cuda has it on a GPU."""
    monkeypatch.setattr("avalanche_seg.kernels.choice._has_triton", lambda: False)


@pytest.fixture(scope="session")
def insects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A devkit written by hand; read-only, shared by all tests."""
    return write_devkit(tmp_path_factory.mktemp("insects") / "kit", MASKS, CLASS_NAMES)


@pytest.fixture
def devkit(insects: Path) -> SegmentationFiles:
    return read_folder(insects)
