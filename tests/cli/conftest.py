import pytest

from avalanche_seg.datasets import make_synthetic_voc
from tests.cli.runs import BASE, write_run


@pytest.fixture(scope="module")
def devkit(tmp_path_factory):
    return make_synthetic_voc(tmp_path_factory.mktemp("run"), n_train=20, n_val=20, size=(48, 64))


@pytest.fixture
def runs(tmp_path):
    return [
        write_run(
            tmp_path / f"FT{seed}",
            [BASE, {"background": 0.8, "cat": 0.2 + 0.2 * seed, "dog": 0.0, "bird": 0.5}],
            seed=seed,
        )
        for seed in (0, 1)
    ] + [
        write_run(
            tmp_path / "JOINT",
            [BASE | {"bird": None, "fish": 0.4}],
            method="JOINT",
            n_base=3,
            task="2-1",
        )
    ]
