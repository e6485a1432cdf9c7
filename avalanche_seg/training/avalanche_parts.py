"""Avalanche's own plugins, metrics and loggers: which are refused here, why, and what to take."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from avalanche_seg.plugins import CheckpointPlugin

__all__ = ["REFUSED", "check_checkpoint", "check_parts"]

_TASK_LABELS = "needs a task or class label per image, and here every pixel has one"
_ONE_VECTOR = "takes the network's output for one vector of scores per image"
_PENALTIES = "take EWCPlugin, PIPlugin or RWPlugin of avalanche_seg"
_REPLAY = "take ReplayPlugin or SMiBPlugin of avalanche_seg"
_DISTILLATION = "take DistillationPlugin or FeatureDistillationPlugin of avalanche_seg"
_MEAN_IOU = "take mean_iou_metrics() of avalanche_seg"
_FORGETTING = "take mean_iou_metrics() and RunReport of avalanche_seg, which has the forgetting"

REFUSED: Final[Mapping[str, tuple[str, str]]] = {
    "training.losses": (_ONE_VECTOR, "take a loss of avalanche_seg.losses"),
    "training.plugins.agem": (_ONE_VECTOR, _REPLAY),
    "training.plugins.bic": (_TASK_LABELS, _REPLAY),
    "training.plugins.checkpoint": (
        "pickles the whole strategy, and is deprecated",
        "take CheckpointPlugin of avalanche_seg",
    ),
    "training.plugins.cope": (_ONE_VECTOR, _REPLAY),
    "training.plugins.cwr_star": (_TASK_LABELS, "take FreezePlugin(heads_only=True)"),
    "training.plugins.ewc": (_ONE_VECTOR, "take EWCPlugin of avalanche_seg"),
    "training.plugins.feature_distillation": (_TASK_LABELS, _DISTILLATION),
    "training.plugins.from_scratch_training": (
        "leaves the statistics of batch norm as the last step made them and trains parameters that "
        "the optimizer leaves out",
        "make a new model and strategy for every step",
    ),
    "training.plugins.gdumb": (_TASK_LABELS, _REPLAY),
    "training.plugins.gem": (_ONE_VECTOR, _REPLAY),
    "training.plugins.generative_replay": ("needs a generator of images", _REPLAY),
    "training.plugins.gss_greedy": (_ONE_VECTOR, _REPLAY),
    "training.plugins.lfl": ("needs a BaseModel of Avalanche", _DISTILLATION),
    "training.plugins.lr_scheduling": (
        "moves the rates of one optimizer, and knows neither the ones that a factory makes anew "
        "every step nor the parameters of heads that grow",
        "take PolyLRPlugin, StepLRPlugin or a SchedulePlugin of avalanche_seg",
    ),
    "training.plugins.lwf": (_TASK_LABELS, "take DistillationPlugin of avalanche_seg"),
    "training.plugins.mas": (_ONE_VECTOR, _PENALTIES),
    "training.plugins.mir": (_TASK_LABELS, _REPLAY),
    "training.plugins.rar": (_TASK_LABELS, _REPLAY),
    "training.plugins.rwalk": (_ONE_VECTOR, "take RWPlugin of avalanche_seg"),
    "training.plugins.update_fecam": (_ONE_VECTOR, "train the heads of the model"),
    "training.plugins.update_ncm": (_ONE_VECTOR, "train the heads of the model"),
    "training.templates.base_sgd": (
        "evaluates before the model has grown",
        "say eval_every= and peval_mode= to the strategy",
    ),
    "evaluation.metrics.acc_matrix": (_ONE_VECTOR, _MEAN_IOU),
    "evaluation.metrics.accuracy": (_ONE_VECTOR, _MEAN_IOU),
    "evaluation.metrics.amca": (_TASK_LABELS, _MEAN_IOU),
    "evaluation.metrics.class_accuracy": (_TASK_LABELS, _MEAN_IOU),
    "evaluation.metrics.confusion_matrix": (
        _ONE_VECTOR,
        "take MeanIoU of avalanche_seg, which has the matrix, and ConfusionMatrixFigure",
    ),
    "evaluation.metrics.cumulative_accuracies": (_ONE_VECTOR, _MEAN_IOU),
    "evaluation.metrics.detection": ("is for boxes", _MEAN_IOU),
    "evaluation.metrics.forgetting_bwt": (_ONE_VECTOR, _FORGETTING),
    "evaluation.metrics.forward_transfer": (_ONE_VECTOR, _FORGETTING),
    "evaluation.metrics.images_samples": (
        _TASK_LABELS,
        "take SamplePredictions of avalanche_seg",
    ),
    "evaluation.metrics.labels_repartition": (
        _TASK_LABELS,
        "count with mask_statistics of avalanche_seg",
    ),
    "evaluation.metrics.mac": (
        "leaves out input channels and incremental heads, and runs the model on one image in "
        "training mode, which changes its batch norm",
        "count with torch.utils.flop_counter.FlopCounterMode",
    ),
    "evaluation.metrics.mean_scores": (_ONE_VECTOR, _MEAN_IOU),
    "evaluation.metrics.topk_acc": (_TASK_LABELS, _MEAN_IOU),
    "logging.csv_logger": (
        "writes an accuracy of 0 and no IoU",
        "take MetricsCSVLogger of avalanche_seg",
    ),
    "logging.wandb_logger": (
        "fails with today's wandb",
        "take MetricsWandBLogger of avalanche_seg",
    ),
}
"""By module of avalanche: why its classes do not work here, and what to do."""

# Avalanche's plugins whose state no checkpoint holds.
_FORGETFUL = ("early_stopping", "replay", "synaptic_intelligence")


def check_parts(argument: str, parts: Iterable[Any]) -> None:
    """Refuse classes of Avalanche that fail, or give wrong numbers, on maps of pixels.

    A subclass of one's own passes: it may do what is missing.

    Args:
        argument: where the parts were given, such as "plugins".
        parts: plugins, metrics or loggers.

    Raises:
        ValueError: for the first part that is refused, with what to take instead.

    Example:
        >>> from avalanche.training.plugins import GEMPlugin
        >>> check_parts("plugins", [GEMPlugin(4, 0.5)])  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ValueError: plugins: Avalanche's GEMPlugin takes the network's output for one vector of ...
    """
    for part in parts:
        module = _avalanche_module(part)
        if module in REFUSED:
            why, remedy = REFUSED[module]
            name = type(part).__name__
            raise ValueError(f"{argument}: Avalanche's {name} {why}; {remedy}")
        if module == "training.plugins.replay":
            _check_replay(part)
        elif module == "training.plugins.evaluation":
            check_parts(argument, [*part.metrics, *part.loggers])


def check_checkpoint(plugins: Sequence[Any]) -> None:
    """Refuse a checkpoint beside plugins of Avalanche that have a state and no way to save it.

    Raises:
        ValueError: naming them.
    """
    forgetful = [
        type(plugin).__name__
        for plugin in plugins
        if _avalanche_module(plugin).rpartition(".")[2] in _FORGETFUL
    ]
    if forgetful and any(isinstance(plugin, CheckpointPlugin) for plugin in plugins):
        raise ValueError(
            f"plugins: a checkpoint cannot hold the state of Avalanche's {', '.join(forgetful)}, "
            "so a resumed run would end with other weights; take this package's plugins, or leave "
            "CheckpointPlugin out"
        )


def _avalanche_module(part: Any) -> str:
    """The module of a class of Avalanche without "avalanche."; "" for any other class."""
    root, _, module = type(part).__module__.partition(".")
    return module if root == "avalanche" else ""


def _check_replay(plugin: Any) -> None:
    policy = type(plugin.storage_policy).__name__
    if plugin.task_balanced_dataloader or policy == "ClassBalancedBuffer":
        got = "task_balanced_dataloader=True" if plugin.task_balanced_dataloader else policy
        raise ValueError(f"plugins: Avalanche's ReplayPlugin with {got} {_TASK_LABELS}; {_REPLAY}")
