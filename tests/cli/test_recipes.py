import pytest

from avalanche_seg import recipe as public_recipe
from avalanche_seg.cli.options.resolve import parse
from avalanche_seg.cli.recipes import RECIPES, recipe


def test_the_papers_values():
    options = parse(["--recipe", "mib-paper", "--dataset", "voc"])
    assert (options.lr, options.lr_later, options.batch_size, options.epochs) == (
        0.01,
        0.001,
        24,
        30,
    )
    assert (options.crop_size, options.weight_decay, options.random_seed) == (512, 1e-4, 42)
    assert (options.model, options.backbone) == ("deeplabv3", "resnet101")
    options = parse(["--recipe", "smib-paper", "--dataset", "voc", "--method", "SMiB"])
    assert (options.lr, options.lr_later, options.batch_size) == (0.005, 0.001, 32)
    assert (options.crop_size, options.weight_decay, options.random_seed) == (320, 0.0, 44)
    assert (options.amp, options.setting, options.old_labels) == ("fp16", "overlapped", "visible")


@pytest.mark.parametrize("name", ["mib-paper", "smib-paper"])
@pytest.mark.parametrize("method", ["MiB", "SMiB"])
def test_lambda_is_100_on_15_5s_and_an_explicit_flag_wins(name, method):
    arguments = ["--recipe", name, "--method", method]
    assert parse([*arguments, "--task", "15-5s"]).method_options["kd_weight"] == 100
    assert parse([*arguments, "--task", "15-5"]).method_options["kd_weight"] == 10
    explicit = parse([*arguments, "--task", "15-5s", "--loss_kd", "7", "--lr", "0.2"])
    assert (explicit.method_options["kd_weight"], explicit.lr) == (7, 0.2)


def test_what_another_flag_decides_is_not_said_to_be_set():
    options = parse(["--recipe", "smib-paper", "--lr", "0.02", "--no_pretrained", "--overlap"])
    (note,) = options.notes
    assert options.lr_later == 0.001 and "--lr_later 0.001" in note
    assert not any(flag in note for flag in ("--weights", "--setting", "--lr 0"))


def test_it_says_what_it_sets():
    options = parse(["--recipe", "mib-paper", "--model", "bisenet"])
    assert (options.model, options.model_args) == ("bisenet", {}), "DeepLabV3's are not BiSeNet's"
    (shown,) = parse(["--recipe", "smib-paper", "--method", "ILT", "--batch_size", "4"]).notes
    assert "--recipe smib-paper sets" in shown and "--loss_de 10.0" in shown
    assert "--batch_size 32" not in shown, "a flag that was given"


def test_it_is_plain_values_in_python_too():
    assert public_recipe is recipe
    values = recipe("mib-paper", task="15-5s", method="mib")
    assert (values["lr"], values["lr_later"], values["loss_kd"]) == (0.01, 0.001, 100.0)
    values["lr"] = 7
    assert recipe("mib-paper", task="15-5s")["lr"] == 0.01, "a copy"
    assert "loss_kd" not in recipe("mib-paper", task="15-5")


@pytest.mark.parametrize(("name", "method"), [("mib", "MiB"), ("mib-paper", "magic")])
def test_unknown_names_list_the_known_ones(name, method):
    with pytest.raises(ValueError, match=r"expected one of (mib-paper, smib-paper|FT, LWF)"):
        recipe(name, task="15-5", method=method)


@pytest.mark.parametrize(
    ("name", "method", "dataset", "task", "expected"),
    [
        ("plop-paper", "PLOP", "voc", "15-5", {"lr": 0.01, "epochs": 30, "batch_size": 24}),
        ("plop-paper", "PLOP", "voc", "10-1", {"epochs": 30, "epochs_later": 10, "amp": "fp16"}),
        ("plop-paper", "PLOP", "ade20k", "50", {"epochs": 60, "pod_logits_weight": 1e-5}),
        ("plop-paper", "PLOP", "cityscapes_domains", "1-1", {"pod_logits_weight": 1e-3}),
        ("plop-paper", "PLOP", "cityscapes_domains", "11-1", {"pseudo_labels": False}),
        ("ewf-paper", "EWF", "voc", "15-1", {"lr_later": 0.001, "batch_size": 24}),
        ("ewf-paper", "EWF", "ade20k", "100-50", {"batch_size": 48, "epochs": 60}),
        ("ewf-paper", "EWF", "ade20k", "100-5", {"loss_kd": 100.0}),
        ("ewf-paper", "EWF-PLOP", "ade20k", "100-10", {"pod_weight": 0.001}),
        ("lgkd-paper", "LGKD", "voc", "15-5s", {"guided_old_weight": 1.0, "lr": 0.01}),
        ("lgkd-paper", "LGKD", "ade20k", "50", {"guided_new_weight": 10.0, "lr_later": 0.002}),
        ("dft-paper", "DFT", "voc", "19-1", {"lr": 0.02, "lr_later": 0.005}),
        ("dft-paper", "DFT", "ade20k", "100-5", {"epochs_later": 60, "lr_later": 0.05}),
    ],
)
def test_values_by_data_set_and_task(name, method, dataset, task, expected):
    values = recipe(name, task=task, method=method, dataset=dataset)
    assert values.items() >= expected.items()


def test_only_weights_that_the_method_has_are_set():
    values = recipe("plop-paper", task="100-50", method="MiB", dataset="ade20k")
    assert values["epochs"] == 60 and not any(flag.startswith("pod_") for flag in values)
    assert "loss_kd" not in recipe("ewf-paper", task="100-5", method="EWF-PLOP", dataset="ade20k")


def test_a_data_set_that_no_paper_used_gets_the_values_of_voc():
    values = [recipe("plop-paper", task="10-1", dataset=name) for name in ("voc", "folder")]
    assert values[0] == values[1]


@pytest.mark.parametrize("name", RECIPES)
def test_every_value_is_one_that_its_flag_takes(name):
    method = {"mib-paper": "MiB", "smib-paper": "SMiB"}.get(name, name.split("-")[0].upper())
    options = parse(["--recipe", name, "--dataset", "voc", "--method", method, "--task", "10-1"])
    assert options.epochs_later == (10 if name == "plop-paper" else options.epochs)
    keeps_void = name not in ("mib-paper", "smib-paper", "ewf-paper", "dkd-paper")
    assert options.train_void == ("ignore" if keeps_void else "background")


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("ssul-paper SSUL voc", (0.01, 0.01, 50, 32, 513, 0.0, 1e-6)),
        ("dkd-paper DKD-M voc", (0.001, 0.0001, 60, 32, 512, 0.0, 0.0)),
    ],
)
def test_the_values_of_ssul_and_dkd(flags, expected):
    name, method, dataset = flags.split()
    options = parse(["--recipe", name, "--method", method, "--dataset", dataset])
    found = (options.lr, options.lr_later, options.epochs, options.batch_size, options.crop_size)
    assert (*found, options.lr_warmup, options.lr_floor) == expected
    assert (options.random_seed, options.amp, options.momentum) == (1, "fp16", 0.9)
    last = {} if name == "dkd-paper" else {"last_conv": False}  # DKD has one more 3x3 layer.
    assert (options.model, options.backbone) == ("deeplabv3", "resnet101")
    assert options.model_args == {"kaiming": True, **last}


def test_ade20k_has_its_own():
    values = recipe("ssul-paper", task="100-50", method="SSUL-M", dataset="ade20k")
    assert (values["lr"], values["lr_later"], values["lr_warmup"]) == (0.01, 0.05, 0.1)
    assert (values["epochs"], values["batch_size"], values["lr_floor"]) == (100, 24, 0.0)
    assert values["memory_size"] == 300 and values["legacy_labels"] is True
    values = recipe("dkd-paper", task="100-50", method="DKD", dataset="ade20k")
    assert (values["lr"], values["lr_later"], values["lr_warmup"]) == (0.0025, 0.00025, 0.2)
    assert values["positive_weight"] == values["positive_weight_later"] == 35.0
    assert "memory_size" not in values


def test_void_is_what_the_method_was_published_with():
    assert parse(["--method", "SSUL"]).train_void == "ignore"
    assert parse(["--method", "DKD"]).train_void == "background"
    assert parse(["--method", "SSUL", "--train_void", "background"]).train_void == "background"
