"""From options to streams."""

import pytest

from avalanche_seg.cli.options.resolve import parse
from avalanche_seg.cli.running.benchmarks import make_benchmarks
from tests.scene_kits import write_ade20k, write_cityscapes


@pytest.mark.filterwarnings("ignore")
def test_partitions_and_joint_training_of_the_flags(tmp_path):
    shows_all = [[1, 101]]
    write_ade20k(tmp_path, {"training": [shows_all] * 8, "validation": [shows_all]})
    flags = ["--dataset", "ade20k", "--data_root", str(tmp_path), "--setting", "partitioned"]
    drawn, _ = make_benchmarks(parse([*flags, "--task", "100-50c"]))
    assert sum(len(e.dataset) for e in drawn.train_stream) == 8
    for more in ([], ["--task", "100-5", "--partition", "100-50"]):
        with pytest.raises(
            ValueError, match="MiB's partition '100-50' of ADE20K is made for 20210"
        ):
            make_benchmarks(parse([*flags, *more]))


@pytest.mark.filterwarnings("ignore")
def test_domains_of_the_flags(tmp_path):
    train = {city: [[[7]]] * 2 for city in ("aachen", "hamburg", "ulm")}
    write_cityscapes(tmp_path, {"train": train, "val": {"munster": [[[7]]] * 2}})
    flags = ["--dataset", "cityscapes_domains", "--data_root", str(tmp_path)]
    task, joint = make_benchmarks(parse([*flags, "--method", "JOINT"]))
    assert [len(e.dataset) for e in task.train_stream] == [1, 1, 2]
    assert [len(e.dataset) for e in joint.train_stream] == [4]
    assert joint.test_stream[0].data.indices.tolist() == task.test_stream[2].data.indices.tolist()
    with pytest.raises(ValueError, match="--partition has no effect on --dataset cityscapes_dom"):
        make_benchmarks(parse([*flags, "--partition", "x"]))
