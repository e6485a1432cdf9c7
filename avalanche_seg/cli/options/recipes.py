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
}  # fmt: skip


def recipe(name: str, *, method: str, task: str) -> dict[str, Any]:
    """The values of a recipe for a method on a task, by flag.

    Example:
        >>> recipe("mib-paper", method="MiB", task="15-5s")["loss_kd"]
        100.0
    """
    values = dict(RECIPES[name])
    if task in ("15-5s", "15-1") and method in ("MiB", "SMiB"):
        values["loss_kd"] = 100.0
    if name == "smib-paper" and method == "ILT":
        values["loss_de"] = 10.0
    return values
