import pytest

from avalanche_seg.cli.options.methods import complete
from avalanche_seg.cli.options.options import SPECS
from avalanche_seg.cli.options.resolve import parse

(SCALE,) = set(complete("LWF", {})) - {"kd_weight"}


def test_no_argument_is_the_demo():
    options = parse([])
    assert (options.dataset, options.method, options.task) == ("synthetic", "MiB", "15-5")
    assert (options.setting, options.weights, options.backbone) == ("disjoint", None, "resnet18")


def test_real_data_gets_the_published_defaults(tmp_path):
    options = parse(["--data_root", str(tmp_path)])
    assert (options.dataset, options.weights, options.backbone) == ("voc", "imagenet", "resnet50")
    assert (options.epochs, options.batch_size, options.crop_size) == (30, 24, 512)
    assert (options.lr, options.lr_later) == (0.01, 0.001)


def test_data_sets_whose_tasks_are_not_vocs():
    for dataset, task, setting in (
        ("ade20k", "100-50", "disjoint"),
        ("cityscapes", "13-6", "disjoint"),
        ("cityscapes_domains", "11-5", "clean"),
    ):
        options = parse(["--dataset", dataset])
        assert (options.task, options.setting) == (task, setting)
        assert (options.data_root, options.partition) == (f"data/{dataset}", None)
    options = parse(["--dataset", "cityscapes_domains", "--task", "1-1", "--setting", "legacy"])
    assert (options.task, options.setting) == ("1-1", "legacy")


def test_a_folder_with_class_names_is_a_folder_data_set(tmp_path):
    (tmp_path / "classes.txt").write_text("background\nthing\n")
    assert parse(["--data_root", str(tmp_path)]).dataset == "folder"


def test_exemplars():
    assert parse([]).exemplars is None and parse([]).old_labels == "hidden"
    options = parse(["--method", "smib", "--random_seed", "7"])
    assert options.method_options == {
        "kd_weight": 10.0,
        SCALE: 1.0,
    }
    assert (options.exemplars, options.old_labels) == (5, "visible")
    assert parse(["--use_exemplars"]).method == "SMiB", "MiB with exemplars is SMiB"
    options = parse(["--method", "LWF", "--use_exemplars", "--exemplars_size", "25"])
    assert (options.method, options.exemplars) == ("LWF", 25)
    assert parse(["--method", "SMiB", "--old_labels", "hidden"]).old_labels == "hidden"


def test_published_weights_are_the_defaults_and_an_explicit_flag_wins():
    assert parse([]).method_options == {"kd_weight": 10.0, SCALE: 1.0}
    assert parse(["--method", "lwf"]).method_options == {"kd_weight": 100.0, SCALE: 1.0}
    options = parse(["--method", "RW", "--reg_importance", "3", "--reg_iterations", "5"])
    assert options.method_options == {"penalty_weight": 3.0, "decay": 0.9, "interval": 5}
    assert parse(["--method", "FT"]).method_options == {}


@pytest.mark.parametrize("text", ["ft", "FT", "mib", "joint", "Joint", "lwf-mc", "RW"])
def test_methods_are_spelled_in_any_case(text):
    assert parse(["--method", text]).method.lower() == text.lower()


def test_later_rate_is_a_tenth_unless_given():
    assert parse(["--lr", "0.2"]).lr_later == pytest.approx(0.02)
    assert parse(["--lr", "0.2", "--lr_later", "0.1"]).lr_later == 0.1


def test_epochs_of_later_steps():
    assert parse(["--epochs", "5"]).epochs_later == 5
    assert parse(["--epochs", "5", "--epochs_later", "2"]).epochs_later == 2
    assert parse(["--epochs", "5", "--step", "1"]).epochs_later == 5
    told = ["--recipe", "plop-paper", "--method", "PLOP", "--task", "10-1"]
    assert parse(told).epochs_later == 10
    assert parse([*told, "--epochs", "5", "--step", "1"]).epochs_later == 5, "that step's"


def test_void_stays_void_for_methods_published_so():
    assert [parse(["--method", m]).train_void for m in ("MiB", "EWF", "PLOP", "EWF-PLOP")] == [
        *["background"] * 2,
        *["ignore"] * 2,
    ]
    assert parse(["--method", "PLOP", "--train_void", "background"]).train_void == "background"


def test_an_unknown_flag_names_the_one_it_may_have_meant(capsys):
    with pytest.raises(SystemExit):
        parse(["--epoch", "3"])
    assert "unrecognized arguments: --epoch 3; did you mean --epochs?" in capsys.readouterr().err


def test_channels_last_is_the_default_and_can_be_switched_off():
    assert parse([]).channels_last and parse(["--channels-last"]).channels_last
    assert not parse(["--no_channels_last"]).channels_last


@pytest.mark.parametrize("flag", ["--overlap", "--overlapped"])
def test_overlap_is_short_for_the_setting(flag):
    assert parse([flag]).setting == "overlapped"
    assert parse([flag, "--setting", "overlapped"]).setting == "overlapped"


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--overlap", "--setting", "disjoint"], "--overlap contradicts --setting disjoint"),
        (["--no_pretrained", "--weights", "imagenet"], "--no_pretrained contradicts --weights"),
        (["--method", "FT", "--loss_kd", "3"], "--loss_kd has no effect on --method FT"),
        (["--method", "PI", "--reg_alpha", "1"], "on --method PI, only on EWC, RW"),
        (["--method", "JOINT", "--lr_later", "1"], "--lr_later has no effect on --method JOINT"),
        (["--task", "offline", "--lr_later", "1"], "or --task offline"),
        (["--task", "offline", "--epochs_later", "1"], "--epochs_later has no effect"),
        (["--loss_kd", "-1"], "--loss_kd -1.0; expected a finite number, 0 or more"),
        (["--method", "EWC", "--reg_alpha", "2"], "--reg_alpha 2.0; expected 0 to 1"),
        (["--method", "RW", "--reg_iterations", "0"], "--reg_iterations 0; expected 1 or more"),
        (["--random_seed", "-1"], "--random_seed -1; expected 0 to"),
        (["--exemplars_size", "5"], "without --use_exemplars"),
        (["--use_exemplars", "--exemplars_size", "-1"], "--exemplars_size -1; expected 0 or more"),
        (["--method", "JOINT", "--use_exemplars"], "--use_exemplars has no effect on"),
        (["--epochs", "0"], "--epochs 0; expected 1 or more"),
        (["--batch_size", "1"], "--batch_size 1; expected 2 or more"),
        (["--crop_size", "8"], "--crop_size 8; expected 32 or more"),
        (["--num_workers", "-1"], "--num_workers -1; expected 0 or more"),
        (["--lr", "0"], "--lr 0.0; expected a positive number"),
        (["--lr_later", "nan"], "--lr_later nan; expected a positive number"),
    ],
)
def test_flags_never_override_each_other_silently(argv, message):
    with pytest.raises(ValueError, match=message):
        parse(argv)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--method", "magic"], "expected one of FT, LWF, LWF-MC"),
        (["--backbone", "vgg"], "resnet101"),
        (["--setting", "upside-down"], "partitioned"),
        (["--speed", "9"], "--speed"),
        (["--epoch", "9"], "--epoch"),
    ],
)
def test_unknown_values_list_the_known_ones(argv, message, capsys):
    with pytest.raises(SystemExit) as stop:
        parse(argv)
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


def test_help_says_every_default(capsys):
    with pytest.raises(SystemExit):
        parse(["--help"])
    shown = " ".join(capsys.readouterr().out.split())
    for text in (
        f"30; {SPECS['epochs'].demo} on synthetic",
        "a tenth of --lr",
        "(default: disjoint; clean for cityscapes_domains)",
        "(default: 42)",
    ):
        assert text in shown
    assert "None" not in shown


def test_held_out_images_are_validated_on():
    assert parse(["--cross_val"]).val_interval == 1
    assert parse(["--cross_val", "--val_interval", "3"]).val_interval == 3
    assert parse([]).val_interval is None


@pytest.mark.parametrize(
    ("flag", "more"),
    [
        ("logdir", ""), ("data_root", ""), ("weights", ""), ("ckpt", "--test"),
        ("step_ckpt", "--step 1"),
    ],
)  # fmt: skip
def test_the_home_folder_may_be_written_as_a_tilde(flag, more, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    for words in ([f"--{flag}=~/x"], [f"--{flag}", "~/x"]):
        assert getattr(parse([*words, *more.split()]), flag) == str(tmp_path / "x")
    assert getattr(parse([f"--{flag}=a/~", *more.split()]), flag) == "a/~"
