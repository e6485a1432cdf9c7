"""Published results to show beside one's own: mIoU in percent on VOC 2012."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from avalanche_seg import models
from avalanche_seg.benchmarks import split_classes
from avalanche_seg.cli.options.methods import MEMORY, argument_of, default
from avalanche_seg.cli.options.options import SPECS
from avalanche_seg.cli.recipes import recipe

__all__ = [
    "PUBLISHED_RESULTS",
    "Published",
    "Source",
    "differences",
    "other_settings",
    "published_for",
]


@dataclass(frozen=True)
class Source:
    """Where numbers come from.

    Attributes:
        name: of the paper and table.
        network: as :func:`differences` compares it.
        recipe: of ``avalanche_seg.cli.recipes``, with the settings of the source.
        background: whether the background counts in "old" and "all".
    """

    name: str
    network: str
    recipe: str
    background: bool = False

    @property
    def groups(self) -> tuple[str, str, str]:
        """Our means, by their column, of the same classes as the source's old, new and all."""
        return ("old with bg", "new", "all with bg") if self.background else ("old", "new", "all")


@dataclass(frozen=True)
class Published:
    """One published line.

    Attributes:
        exemplars: per class; None for a method without replay.
        old, new, all: mIoU in percent after the last step.
    """

    source: Source
    task: str
    setting: str
    method: str
    exemplars: int | None
    old: float
    new: float
    all: float


MIB = Source("MiB, Table 1", "DeepLabV3-R101", "mib-paper")
SMIB = Source("SMiB report", "BiSeNet-R50", "smib-paper", background=True)
PLOP = Source("PLOP paper", "DeepLabV3-R101", "plop-paper", background=True)
EWF = Source("EWF paper", "DeepLabV3-R101", "ewf-paper", background=True)
LGKD = Source("LGKD paper", "DeepLabV3-R101", "lgkd-paper", background=True)
SSUL = Source("SSUL paper", "DeepLabV3-R101", "ssul-paper", background=True)
DKD = Source("DKD paper", "DeepLabV3-R101", "dkd-paper", background=True)

_Lines = dict[str, tuple[float, float, float]]
_TABLES: dict[tuple[Source, str, str], _Lines] = {
    (MIB, "15-5", "overlapped"): {
        "FT": (2.1, 33.1, 9.8), "PI": (1.6, 33.3, 9.5), "EWC": (24.3, 35.5, 27.1),
        "RW": (16.6, 34.9, 21.2), "LWF": (58.9, 36.6, 53.3), "LWF-MC": (58.1, 35.0, 52.3),
        "ILT": (66.3, 40.6, 59.9), "MiB": (75.5, 49.4, 69.0), "JOINT": (79.1, 72.6, 77.4),
    },
    (MIB, "15-5s", "overlapped"): {
        "FT": (0.2, 1.8, 0.6), "LWF": (1.0, 3.9, 1.8), "ILT": (4.9, 7.8, 5.7),
        "MiB": (35.1, 13.5, 29.7),
    },
    (MIB, "19-1", "overlapped"): {
        "FT": (6.8, 12.9, 7.1), "LWF": (51.2, 8.5, 49.1), "LWF-MC": (64.4, 13.3, 61.9),
        "ILT": (67.1, 12.3, 64.4), "MiB": (70.2, 22.1, 67.8), "JOINT": (77.4, 78.0, 77.4),
    },
    (MIB, "15-5", "disjoint"): {
        "FT": (1.1, 33.6, 9.2), "PI": (1.3, 34.1, 9.5), "EWC": (26.7, 37.7, 29.4),
        "RW": (17.9, 36.9, 22.7), "LWF": (58.4, 37.4, 53.1), "LWF-MC": (67.2, 41.2, 60.7),
        "ILT": (63.2, 39.5, 57.3), "MiB": (71.8, 43.3, 64.7),
    },
    (SMIB, "15-5", "overlapped"): {
        "FT": (4.6, 29.6, 10.5), "LWF": (47.8, 32.1, 44.1), "ILT": (49.9, 31.7, 45.5),
        "MiB": (65.5, 39.4, 59.3), "FT+5": (59.5, 38.3, 54.5), "SMiB+5": (70.0, 47.1, 64.5),
        "SMiB+25": (72.3, 54.9, 68.2), "SMiB+100": (73.2, 61.2, 70.3), "JOINT": (75.3, 68.9, 73.8),
    },
    (SMIB, "15-5s", "overlapped"): {
        "FT": (1.1, 4.4, 2.6), "MiB": (29.6, 11.8, 25.3), "FT+5": (59.4, 34.5, 53.5),
        "SMiB+5": (64.6, 40.1, 58.8), "SMiB+25": (70.5, 50.1, 65.7), "SMiB+100": (72.1, 58.5, 68.9),
    },
    (PLOP, "19-1", "overlapped"): {"PLOP": (75.4, 37.4, 73.5)},
    (PLOP, "15-5", "overlapped"): {"PLOP": (75.7, 51.7, 70.1)},
    (PLOP, "15-5s", "overlapped"): {"PLOP": (65.1, 21.1, 54.6)},
    (PLOP, "10-1", "overlapped"): {"PLOP": (44.0, 15.5, 30.5)},
    (EWF, "19-1", "overlapped"): {"EWF-PLOP": (77.9, 6.7, 74.5)},
    (EWF, "15-5s", "overlapped"): {"EWF": (78.0, 25.5, 65.5), "EWF-PLOP": (77.7, 32.7, 67.0)},
    (EWF, "10-1", "overlapped"): {"EWF": (56.0, 16.7, 37.3), "EWF-PLOP": (71.5, 30.3, 51.9)},
    (LGKD, "15-5", "overlapped"): {"LGKD": (79.5, 54.8, 73.6)},
    (LGKD, "15-5s", "overlapped"): {"LGKD": (70.6, 30.9, 61.1)},
    (SSUL, "19-1", "overlapped"): {
        "SSUL": (77.73, 29.68, 75.44), "SSUL-M": (77.83, 49.76, 76.49),
    },
    (SSUL, "15-5", "overlapped"): {"SSUL": (77.8, 50.1, 71.2), "SSUL-M": (78.4, 55.8, 73.0)},
    (SSUL, "15-5s", "overlapped"): {"SSUL": (77.3, 36.6, 67.6), "SSUL-M": (78.4, 49.0, 71.4)},
    (SSUL, "19-1", "disjoint"): {
        "SSUL": (77.38, 22.43, 74.76), "SSUL-M": (77.58, 43.89, 75.98),
    },
    (SSUL, "15-5", "disjoint"): {
        "SSUL": (76.44, 45.60, 69.10), "SSUL-M": (76.47, 48.55, 69.83),
    },
    (SSUL, "15-5s", "disjoint"): {
        "SSUL": (73.97, 32.15, 64.01), "SSUL-M": (76.46, 43.37, 68.58),
    },
    (DKD, "19-1", "overlapped"): {"DKD": (77.76, 41.45, 76.03)},
    (DKD, "15-5", "overlapped"): {"DKD": (78.83, 58.23, 73.93), "DKD-M": (79.13, 60.59, 74.72)},
    (DKD, "15-5s", "overlapped"): {"DKD": (78.09, 42.72, 69.67), "DKD-M": (78.84, 52.32, 72.52)},
    (DKD, "19-1", "disjoint"): {"DKD": (77.43, 43.56, 75.81), "DKD-M": (77.62, 56.86, 76.64)},
    (DKD, "15-5", "disjoint"): {"DKD": (77.56, 54.13, 71.98), "DKD-M": (77.71, 55.43, 72.40)},
    (DKD, "15-5s", "disjoint"): {"DKD": (76.34, 39.36, 67.54), "DKD-M": (77.25, 48.20, 70.33)},
}  # fmt: skip

_CLASSES = 20  # Of VOC.
_SAME_TASK = {"15-1": "15-5s"}  # On these.
_OFF = ("fix_bn", "fix_bn_affine", "freeze", "freeze_body")  # In every source.
_LOOKED_AT_ELSEWHERE = {"backbone", "setting", "random_seed"}


def _published() -> tuple[Published, ...]:
    found = []
    for (source, task, setting), lines in _TABLES.items():
        for name, (old, new, both) in lines.items():
            method, _, size = name.partition("+")
            exemplars = int(size) if size else None
            found.append(Published(source, task, setting, method, exemplars, old, new, both))
    return tuple(found)


PUBLISHED_RESULTS = _published()
"""Every line of the sources, in their order."""


def published_for(config: Mapping[str, Any]) -> list[Published]:
    """The lines of a run's method, task, setting and number of exemplars.

    A joint run sees every image in any setting, so JOINT is found in all of them.

    Args:
        config: the content of config.json.

    Example:
        >>> config = {"method": "MiB", "task": "15-5", "setting": "overlapped"}
        >>> [(line.source.name, line.all) for line in published_for(config)]
        [('MiB, Table 1', 69.0), ('SMiB report', 59.3)]
    """
    task, method = config.get("task"), config.get("method")
    task = _SAME_TASK.get(str(task), task)
    return [
        line
        for line in PUBLISHED_RESULTS
        if (line.task, line.method, line.exemplars) == (task, method, _exemplars(config))
        and (method == "JOINT" or line.setting == config.get("setting"))
    ]


def differences(line: Published, config: Mapping[str, Any], *, n_steps: int) -> list[str]:
    """Why a run's numbers are not to be set against a published line as they are.

    Args:
        line: one that :func:`published_for` gave.
        config: the content of the run's config.json; what it does not tell is not compared.
        n_steps: how many steps the run has finished.
    """
    told = []
    steps = split_classes(line.task, class_ids=range(1, _CLASSES + 1))
    whole = 1 if line.method == "JOINT" else len(steps)
    if n_steps < whole:
        told.append(f"ours is unfinished: {n_steps} of {whole} steps")
    if config.get("dataset") != "voc":
        told.append("not the data of this run")
    network = f"{_network(config)}-{config.get('backbone', '?')}".replace("resnet", "R")
    if network != line.source.network:
        told.append(f"not the network of this run, which is {network}")
    if "weights" in config and config["weights"] is None:
        told.append("ours starts from random weights, theirs from ImageNet's")
    labels = "hidden" if line.exemplars is None else "visible"
    if line.method != "JOINT" and config.get("old_labels", labels) != labels:
        told.append(f"old labels are {config['old_labels']} in ours, {labels} in theirs")
    if line.source is SSUL and config.get("saliency") is None:
        told.append("theirs has saliency maps")
    return told


def other_settings(line: Published, config: Mapping[str, Any]) -> list[str]:
    """The settings in which a run differs from those of a published line.

    Compared are the values of the line's recipe, the method's own arguments and the options of its
    memory, published defaults where the recipe has none; not the seed, over which runs are
    averaged, nor what :func:`published_for` and :func:`differences` look at.

    Args:
        line: one that :func:`published_for` gave.
        config: the content of the run's config.json; what it does not tell is not compared.
    """
    ours = dict(config)
    arguments = config.get("method_options") or {}
    theirs = recipe(line.source.recipe, method=line.method, task=line.task)
    for flag, argument in argument_of(line.method).items():
        theirs.setdefault(flag, default(line.method, argument))
        if argument in arguments:
            ours[flag] = arguments[argument]
    if line.exemplars is not None:
        theirs |= {name: _published_memory(name) for name in MEMORY}
    theirs |= dict.fromkeys(_OFF, False)
    return [
        f"{name} {ours[name]}, there {value}"
        for name, value in theirs.items()
        if name not in _LOOKED_AT_ELSEWHERE
        and (line.method, name) != ("JOINT", "lr_later")  # One step has no later rate.
        and ours.get(name) not in (None, value)
    ]


def _published_memory(name: str) -> Any:
    """SMiB's published value of an option of the memory, as config.json would tell it."""
    spec = SPECS[name]
    return spec.default if spec.kind is bool else spec.choices[0] if spec.choices else None


def _network(config: Mapping[str, Any]) -> str:
    known: Mapping[str, Any] = getattr(models, "MODELS", {"bisenet": models.BiSeNet})
    name = config.get("model", "bisenet")
    return getattr(known.get(name), "__name__", name)


def _exemplars(config: Mapping[str, Any]) -> int | None:
    options = config.get("method_options") or {}
    return config.get("exemplars", options.get("n_exemplars"))
