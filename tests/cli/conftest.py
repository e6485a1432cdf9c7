import pytest

from avalanche_seg.datasets import make_synthetic_voc


@pytest.fixture(scope="module")
def devkit(tmp_path_factory):
    return make_synthetic_voc(tmp_path_factory.mktemp("run"), n_train=20, n_val=20, size=(48, 64))
