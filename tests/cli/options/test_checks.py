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
        ("--step 0 --step_ckpt a", 1, "--step_ckpt is the model of the step before --step"),
        ("--method JOINT --step_ckpt a", 1, "--method JOINT has step 0 alone"),
        ("--ckpt a", 1, "--ckpt is the model that --test tests"),
        ("--test --resume", 1, "--test trains nothing that --resume could go on with"),
        ("--val_interval 0", 1, "--val_interval 0; expected 1 or more"),
        ("--name=", 1, "--name is empty"),
        ("--logdir=", 1, "--logdir is empty"),
        ("--data_root=", 1, "--data_root is empty"),
        ("--test --ckpt=", 1, "--ckpt is empty"),
        ("--name /tmp/x", 1, "--name '/tmp/x' is no folder inside that of all runs"),
        ("--name ../x", 1, "is no folder inside that of all runs"),
        ("--name a/../../x", 1, "is no folder inside that of all runs"),
        ("--name .", 1, "is no folder inside that of all runs"),
        ("--name ./", 1, "is no folder inside that of all runs"),
    ],
)
def test_combinations_that_cannot_work(arguments, processes, message, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", str(processes))
    with pytest.raises(ValueError, match=message):
        parse(arguments.split())


@pytest.mark.parametrize("name", [" ", "\t", "a\nb", "a\0b"], ids=ascii)
def test_names_of_letters_that_do_not_show(name):
    with pytest.raises(ValueError, match="--name"):
        parse(["--name", name])


@pytest.mark.parametrize("name", ["a", "tries/a", "a b", "a..b", "..a", "ä-1.2", "~a"])
def test_other_names_are_taken_as_they_are(name):
    assert parse(["--name", name]).name == name


@pytest.mark.parametrize("told", ["0", "-1", "two", "", "2.0", "٢"])
def test_a_number_of_processes_that_is_none(told, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", told)
    with pytest.raises(ValueError, match=r"WORLD_SIZE=.*; expected the number of processes"):
        parse([])
