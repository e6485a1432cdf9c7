"""Published hyper-parameters by name: what ``--recipe`` sets where no flag does."""

from typing import Any

__all__ = ["RECIPES", "recipe"]

_COMMON: dict[str, Any] = {
    "epochs": 30, "lr_later": 0.001, "momentum": 0.9, "lr_policy": "poly", "lr_power": 0.9,
    "weights": "imagenet",
}  # fmt: skip

RECIPES: dict[str, dict[str, Any]] = {
    # Cermelli et al., CVPR 2020, section 4.1 (there with DeepLabV3).
    "mib-paper": {
        **_COMMON, "lr": 0.01, "weight_decay": 1e-4, "batch_size": 24, "crop_size": 512,
        "amp": "off", "backbone": "resnet101", "random_seed": 42,
    },
    # The report "Incremental Learning in Semantic Segmentation using Exemplars".
    "smib-paper": {
        **_COMMON, "lr": 0.005, "weight_decay": 0.0, "batch_size": 32, "crop_size": 320,
        "amp": "fp16", "backbone": "resnet50", "random_seed": 44, "setting": "overlapped",
    },
    # Cha et al., NeurIPS 2021 (there with DeepLabV3).
    "ssul-paper": {
        **_COMMON, "lr": 0.01, "lr_later": 0.01, "lr_floor": 1e-6, "epochs": 50,
        "weight_decay": 1e-4, "batch_size": 32, "crop_size": 513, "amp": "fp16",
        "backbone": "resnet101", "random_seed": 1,
    },
    # Baek et al., NeurIPS 2022 (there with DeepLabV3).
    "dkd-paper": {
        **_COMMON, "lr": 0.001, "lr_later": 0.0001, "epochs": 60, "weight_decay": 1e-4,
        "batch_size": 32, "crop_size": 512, "amp": "fp16", "backbone": "resnet101",
        "random_seed": 1,
    },
}  # fmt: skip

# What differs on another data set.
_ON: dict[tuple[str, str], dict[str, Any]] = {
    ("ssul-paper", "ade20k"): {
        "lr_later": 0.05, "lr_warmup": 0.1, "lr_floor": 0.0, "epochs": 100, "batch_size": 24,
    },
    ("dkd-paper", "ade20k"): {
        "lr": 0.0025, "lr_later": 0.00025, "lr_warmup": 0.2, "epochs": 100, "batch_size": 24,
    },
}  # fmt: skip


def recipe(name: str, *, task: str, method: str = "MiB", dataset: str = "voc") -> dict[str, Any]:
    """The published hyper-parameters of a method on a task.

    Args:
        name: "mib-paper" (Cermelli et al., CVPR 2020), "smib-paper" (the report "Incremental
            Learning in Semantic Segmentation using Exemplars"), "ssul-paper" (Cha et al., NeurIPS
            2021) or "dkd-paper" (Baek et al., NeurIPS 2022).
        task: such as "15-5s".
        method: as on the command line, in any case.
        dataset: as on the command line; any but "ade20k" has the values of VOC.

    Returns:
        plain values by the name of their flag: ``lr``, ``epochs``, ...; the method's own weights
        (``loss_kd``, ``memory_size``) where they are not the defaults of its constructor.

    Raises:
        ValueError: for an unknown recipe or method.

    Example:
        >>> values = recipe("mib-paper", task="15-5s", method="MiB")
        >>> values["lr"], values["batch_size"], values["loss_kd"]
        (0.01, 24, 100.0)
    """
    from avalanche_seg.cli.options.methods import METHODS  # Needs torch; names alone must not.

    if name not in RECIPES:
        raise ValueError(f"recipe {name!r} is unknown; expected one of {', '.join(RECIPES)}")
    if method.lower() not in map(str.lower, METHODS):
        raise ValueError(f"method {method!r} is unknown; expected one of {', '.join(METHODS)}")
    values = RECIPES[name] | _ON.get((name, dataset), {})
    if task in ("15-5s", "15-1") and method.lower() in ("mib", "smib"):
        values["loss_kd"] = 100.0
    if name == "smib-paper" and method.lower() == "ilt":
        values["loss_de"] = 10.0
    return values | _own_values(name, method.upper(), dataset)


def _own_values(name: str, method: str, dataset: str) -> dict[str, Any]:
    """The arguments of SSUL and DKD."""
    values: dict[str, Any] = {}
    if name == "ssul-paper" and method == "SSUL-M":
        values["legacy_labels"] = True
    if dataset == "ade20k" and method in ("SSUL-M", "DKD-M"):
        values["memory_size"] = 300
    if dataset == "ade20k" and method in ("DKD", "DKD-M"):
        values |= {"positive_weight": 35.0, "positive_weight_later": 35.0}
    return values
