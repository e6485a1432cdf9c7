"""Published hyper-parameters by name: what ``--recipe`` sets where no flag does."""

from typing import Any

__all__ = ["RECIPES", "recipe", "weights_of_task"]

_Values = dict[str, Any]
_COMMON: _Values = {
    "epochs": 30, "lr_later": 0.001, "momentum": 0.9, "lr_policy": "poly", "lr_power": 0.9,
    "weights": "imagenet",
}  # fmt: skip
_MIB: _Values = {
    **_COMMON, "lr": 0.01, "weight_decay": 1e-4, "batch_size": 24, "crop_size": 512, "amp": "off",
    "model": "deeplabv3", "backbone": "resnet101", "random_seed": 42,
    "model_args": {
        "activation": "leaky_relu", "last_conv": False, "dropout": 0.0, "pooling_window": 32,
    },
}  # fmt: skip
_PLOP: _Values = {**_MIB, "amp": "fp16", "setting": "overlapped"}

RECIPES: dict[str, _Values] = {
    # Cermelli et al., CVPR 2020, section 4.1; the network in its published form.
    "mib-paper": _MIB,
    # The report "Incremental Learning in Semantic Segmentation using Exemplars".
    "smib-paper": {
        **_COMMON, "lr": 0.005, "weight_decay": 0.0, "batch_size": 32, "crop_size": 320,
        "amp": "fp16", "backbone": "resnet50", "random_seed": 44, "setting": "overlapped",
    },
    # Douillard et al., CVPR 2021, with what its published code adds; DeepLabV3.
    "plop-paper": _PLOP,
    # Xiao et al., CVPR 2023; DeepLabV3.
    "ewf-paper": {**_MIB, "setting": "overlapped"},
    # Yang et al., ICCV 2023, by its published scripts; DeepLabV3.
    "lgkd-paper": _PLOP,
    # The baseline DFT*; MiB's network.
    "dft-paper": {**_MIB, "lr": 0.02, "setting": "overlapped"},
    # Cha et al., NeurIPS 2021; DeepLabV3 without the last 3x3 layer: every step's head has one.
    "ssul-paper": {
        **_COMMON, "lr": 0.01, "lr_later": 0.01, "lr_floor": 1e-6, "epochs": 50,
        "weight_decay": 1e-4, "batch_size": 32, "crop_size": 513, "amp": "fp16",
        "model": "deeplabv3", "backbone": "resnet101", "random_seed": 1,
        "model_args": {"last_conv": False, "kaiming": True},
    },
    # Baek et al., NeurIPS 2022; DeepLabV3 with its last 3x3 layer.
    "dkd-paper": {
        **_COMMON, "lr": 0.001, "lr_later": 0.0001, "epochs": 60, "weight_decay": 1e-4,
        "batch_size": 32, "crop_size": 512, "amp": "fp16", "model": "deeplabv3",
        "backbone": "resnet101", "random_seed": 1, "model_args": {"kaiming": True},
    },
}  # fmt: skip

_ADE_POD: _Values = {"pod_weight": 0.001, "pod_logits_weight": 1e-5}
# By recipe and data set, what differs from VOC's values there: of every task ("") and by task.
_BY_TASK: dict[tuple[str, str], dict[str, _Values]] = {
    ("plop-paper", "voc"): {"10-1": {"epochs_later": 10}},
    ("plop-paper", "ade20k"): {"": {"epochs": 60, **_ADE_POD}},
    ("plop-paper", "cityscapes_domains"): {
        "": {"epochs": 50, "pod_weight": 1e-4, "pod_logits_weight": 1e-4, "pseudo_labels": False},
        "1-1": {"pod_logits_weight": 1e-3},
    },
    ("ewf-paper", "ade20k"): {
        "": {"epochs": 60, **_ADE_POD},
        "100-50": {"batch_size": 48},
        "100-10": {"loss_kd": 100.0},
        "100-5": {"loss_kd": 100.0},
    },
    ("lgkd-paper", "voc"): {
        "19-1": {"guided_old_weight": 5.0, "guided_new_weight": 0.5},
        "15-5": {"guided_old_weight": 5.0, "guided_new_weight": 1.0},
        "15-1": {"guided_old_weight": 1.0, "guided_new_weight": 0.0},
    },
    ("lgkd-paper", "ade20k"): {
        "": {"epochs": 60, "lr": 0.02, "lr_later": 0.002, "batch_size": 12, **_ADE_POD},
        "100-50": {"guided_old_weight": 1.0, "guided_new_weight": 20.0},
        "100-10": {"guided_old_weight": 1.0, "guided_new_weight": 1.0, "batch_size": 16},
        "50-50": {"guided_old_weight": 2.0, "guided_new_weight": 10.0},
    },
    ("ssul-paper", "voc"): {"": {"legacy_labels": True}},
    ("ssul-paper", "ade20k"): {
        "": {
            "lr_later": 0.05, "lr_warmup": 0.1, "lr_floor": 0.0, "epochs": 100, "batch_size": 24,
            "legacy_labels": True, "memory_size": 300,
        },
    },
    ("dkd-paper", "ade20k"): {
        "": {
            "lr": 0.0025, "lr_later": 0.00025, "lr_warmup": 0.2, "epochs": 100, "batch_size": 24,
            "positive_weight": 35.0, "positive_weight_later": 35.0, "memory_size": 300,
        },
    },
    ("dft-paper", "voc"): {
        "": {"lr_later": 0.0005}, "15-5": {"lr_later": 0.02}, "19-1": {"lr_later": 0.005},
    },
    ("dft-paper", "ade20k"): {
        "": {"epochs_later": 60, "lr_later": 0.1}, "100-5": {"lr_later": 0.05},
    },
}  # fmt: skip
_SAME_TASK = {"15-5s": "15-1", "50": "50-50"}


def weights_of_task(task: str, method: str) -> dict[str, float]:
    """A method's own weights, by flag, where those published for a task are not its defaults.

    Args:
        task: of VOC; in another order of classes, as 15-1_b, it is the same.
        method: as on the command line, in any case.

    Example:
        >>> weights_of_task("15-5s", "MiB"), weights_of_task("15-5", "MiB")
        ({'loss_kd': 100.0}, {})
    """
    one_at_a_time = task.partition("_")[0] in ("15-5s", "15-1")
    return {"loss_kd": 100.0} if one_at_a_time and method.lower() in ("mib", "smib") else {}


def recipe(name: str, *, task: str, method: str = "MiB", dataset: str = "voc") -> dict[str, Any]:
    """The published hyper-parameters of a method on a task.

    Args:
        name: of :data:`RECIPES`, such as "mib-paper" (Cermelli et al., CVPR 2020), "smib-paper"
            (the report "Incremental Learning in Semantic Segmentation using Exemplars") or
            "plop-paper" (Douillard et al., CVPR 2021).
        task: such as "15-5s".
        method: as on the command line, in any case.
        dataset: as on the command line; data sets that a recipe does not know get VOC's values.

    Returns:
        plain values by the name of their flag: ``lr``, ``epochs``, ...; the method's own weights
        (``loss_kd``, ``pod_weight``) where they are not the defaults of its constructor.

    Raises:
        ValueError: for an unknown recipe or method.

    Example:
        >>> values = recipe("mib-paper", task="15-5s", method="MiB")
        >>> values["lr"], values["batch_size"], values["loss_kd"]
        (0.01, 24, 100.0)
        >>> recipe("plop-paper", task="100-50", method="PLOP", dataset="ade20k")["pod_weight"]
        0.001
    """
    # Needs torch; names alone must not.
    from avalanche_seg.cli.options.methods import FLAGS, METHODS, argument_of

    if name not in RECIPES:
        raise ValueError(f"recipe {name!r} is unknown; expected one of {', '.join(RECIPES)}")
    spelled = {known.lower(): known for known in METHODS}
    if method.lower() not in spelled:
        raise ValueError(f"method {method!r} is unknown; expected one of {', '.join(METHODS)}")
    values = dict(RECIPES[name])
    known = {data for recipe_name, data in _BY_TASK if recipe_name == name}
    by_task = _BY_TASK.get((name, dataset if dataset in known else "voc"), {})
    values |= by_task.get("", {}) | by_task.get(_SAME_TASK.get(task, task), {})
    values |= weights_of_task(task, method)
    if name == "smib-paper" and method.lower() == "ilt":
        values["loss_de"] = 10.0
    own = argument_of(spelled[method.lower()])
    return {flag: value for flag, value in values.items() if flag in own or flag not in FLAGS}
