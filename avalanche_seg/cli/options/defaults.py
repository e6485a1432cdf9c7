"""What the flags are when they are not given."""

from typing import Any

from avalanche_seg.cli.options.methods import default

__all__ = ["DEMO", "PUBLISHED", "default_exemplars", "default_text"]

# Two sets of defaults: the published ones, and small ones for the made-up data set, so that the
# command without arguments shows everything in minutes on a CPU.
PUBLISHED: dict[str, Any] = {
    "epochs": 30, "lr": 0.01, "batch_size": 24, "crop_size": 512, "backbone": "resnet50",
    "weights": "imagenet", "momentum": 0.9, "weight_decay": 1e-4, "lr_policy": "poly",
    "lr_power": 0.9, "lr_decay_step": 5000, "lr_decay_factor": 0.1, "amp": "off",
    "random_seed": 42, "setting": "disjoint",
}  # fmt: skip
DEMO: dict[str, Any] = PUBLISHED | {
    "epochs": 16, "lr": 0.05, "batch_size": 8, "crop_size": 96, "backbone": "resnet18",
    "weights": None,
}  # fmt: skip


def default_exemplars() -> int:
    """Exemplars a class, SMiB's default."""
    return int(default("SMiB", "n_exemplars"))


def default_text(name: str) -> str:
    """The default of a flag, for its help."""
    demo = "" if DEMO[name] == PUBLISHED[name] else f"; {DEMO[name]} on synthetic"
    return f"(default: {PUBLISHED[name]}{demo})"
