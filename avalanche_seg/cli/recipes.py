"""Published hyper-parameters by name: what ``--recipe`` sets where no flag does."""

from typing import Any

__all__ = ["RECIPES", "recipe"]

_COMMON: dict[str, Any] = {
    "epochs": 30, "lr_later": 0.001, "momentum": 0.9, "lr_policy": "poly", "lr_power": 0.9,
    "weights": "imagenet",
}  # fmt: skip

RECIPES: dict[str, dict[str, Any]] = {
    # Cermelli et al., CVPR 2020, section 4.1.
    "mib-paper": {
        **_COMMON, "lr": 0.01, "weight_decay": 1e-4, "batch_size": 24, "crop_size": 512,
        "amp": "off", "model": "deeplabv3", "backbone": "resnet101", "random_seed": 42,
    },
    # The report "Incremental Learning in Semantic Segmentation using Exemplars".
    "smib-paper": {
        **_COMMON, "lr": 0.005, "weight_decay": 0.0, "batch_size": 32, "crop_size": 320,
        "amp": "fp16", "backbone": "resnet50", "random_seed": 44, "setting": "overlapped",
    },
}  # fmt: skip


def recipe(name: str, *, task: str, method: str = "MiB") -> dict[str, Any]:
    """The published hyper-parameters of a method on a task.

    Args:
        name: "mib-paper" (Cermelli et al., CVPR 2020) or "smib-paper" (the report "Incremental
            Learning in Semantic Segmentation using Exemplars").
        task: such as "15-5s".
        method: as on the command line, in any case.

    Returns:
        plain values by the name of their flag: ``lr``, ``epochs``, ...; the method's own weights
        (``loss_kd``, ``loss_de``) where they are not the defaults of its constructor.

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
    values = dict(RECIPES[name])
    if task in ("15-5s", "15-1") and method.lower() in ("mib", "smib"):
        values["loss_kd"] = 100.0
    if name == "smib-paper" and method.lower() == "ilt":
        values["loss_de"] = 10.0
    return values
