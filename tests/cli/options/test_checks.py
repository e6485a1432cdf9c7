import pytest

from avalanche_seg.cli.options.resolve import parse


@pytest.mark.parametrize(
    ("arguments", "processes", "message"),
    [
        ("--batch_size 7", 2, "expected a multiple of their number"),
        ("--batch_size 8 --micro_batches 5", 1, "--micro_batches 5 leaves parts of one image"),
        ("--batch_size 8 --micro_batches 3", 2, "of the 4 images that a process has"),
        ("--device cuda:1", 2, "--device cuda:1 would put 2 processes on one GPU"),
        ("--no_mask --old_labels hidden", 1, "--no_mask contradicts --old_labels hidden"),
        ("--method JOINT --step 1", 1, "--method JOINT has step 0 alone"),
        ("--strict --method FT", 1, "--strict has no effect on --method FT"),
        ("--strict --method SMiB --exemplars_labels visible", 1, "--strict contradicts"),
        ("--exemplars_share 1.5 --method SMiB", 1, "expected between 0 and 1"),
        ("--exemplars_update redraw --method FT", 1, "without --use_exemplars"),
        ("--lr_decay_factor -1", 1, "--lr_decay_factor -1.0; expected a finite number"),
        ("--step_ckpt a", 1, "--step_ckpt is the model of the step before --step"),
        ("--ckpt a", 1, "--ckpt is the model that --test tests"),
        ("--test --resume", 1, "--test trains nothing that --resume could go on with"),
        ("--val_interval 0", 1, "--val_interval 0; expected 1 or more"),
    ],
)
def test_combinations_that_cannot_work(arguments, processes, message, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", str(processes))
    with pytest.raises(ValueError, match=message):
        parse(arguments.split())
