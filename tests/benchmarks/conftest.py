from pathlib import Path

import pytest

from avalanche_seg.benchmarks.devkit import Devkit
from avalanche_seg.benchmarks.folder import read_folder
from tests.benchmarks.insects import CLASS_NAMES, MASKS
from tests.devkits import write_devkit


@pytest.fixture(scope="session")
def insects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A devkit written by hand; read-only, shared by the tests of this room."""
    return write_devkit(tmp_path_factory.mktemp("insects") / "kit", MASKS, CLASS_NAMES)


@pytest.fixture
def devkit(insects: Path) -> Devkit:
    return read_folder(insects)
