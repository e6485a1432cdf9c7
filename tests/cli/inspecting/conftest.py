import pytest

from avalanche_seg.datasets import read_folder


@pytest.fixture
def devkit(insects):
    return read_folder(insects)
