import json
import shlex

import pytest

from avalanche_seg.cli.options.resolve import parse
from avalanche_seg.cli.reporting.rebuild import command_of


@pytest.mark.parametrize(
    "argv",
    [
        "",
        "--method JOINT --data_root data/voc --dataset voc --overlap",
        "--method MiB --task 15-5s --recipe mib-paper --dataset voc --loss_kd 7",
        "--method SMiB --exemplars_size 25 --exemplars_selection random --dataset voc",
        "--method SMiB --strict --old_labels hidden --epochs 2 --lr 0.2 --lr_later 0.1",
        "--method FT --use_exemplars --exemplars_size 3 --exemplars_share 0.25",
        "--method RW --reg_importance 3 --reg_iterations 4 --cross_val --crop_val --no_pretrained",
        "--method EWC --lr_policy step --lr_decay_step 7 --fix_bn --freeze",
        "--method ILT --no_mask --micro_batches 2 --weights a\\ b.pth --random_seed 3 --name x",
        "--method LWF --full_resolution --sync_bn --compile --no_channels_last",
        "--method FT --model_args a=1 b=x --cache_images",
    ],
)
def test_the_command_gives_the_same_settings_again(argv, capsys):
    options = parse(shlex.split(argv))
    capsys.readouterr()
    command = command_of(json.loads(json.dumps(options.as_dict())))
    assert command is not None and capsys.readouterr() == ("", "")
    assert parse(shlex.split(command)[2:]).determining() == options.determining()


def test_settings_at_their_default_are_left_out():
    options = parse(["--method", "MiB", "--epochs", "3"])
    assert command_of(options.as_dict()) == "avalanche-seg run --method MiB --epochs 3"


def test_the_oldest_runs_have_their_weight_at_the_top():
    config = {"method": "MiB", "task": "15-5", "loss_kd": 3.0}
    assert command_of(config) == "avalanche-seg run --method MiB --loss_kd 3.0"


@pytest.mark.parametrize("more", [{"method": "unknown"}, {"amp": "unknown"}, {"epochs": 0}])
def test_settings_that_no_command_gives_have_none(more, capsys):
    assert command_of(parse([]).as_dict() | more) is None
    assert capsys.readouterr() == ("", "")
