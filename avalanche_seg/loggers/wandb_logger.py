"""A logger for an ``EvaluationPlugin`` that sends numbers and pictures to Weights & Biases."""

import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

from avalanche.evaluation.metric_results import AlternativeValues, TensorImage
from matplotlib.figure import Figure
from PIL import Image
from torchvision.transforms.functional import to_pil_image

from avalanche_seg.loggers.csv_logger import Named, SplittingLogger, as_number
from avalanche_seg.metrics import render

__all__ = ["WANDB_MODES", "MetricsWandBLogger", "WandBMode", "import_wandb"]

WandBMode = Literal["online", "offline", "shared", "disabled"]
WANDB_MODES: tuple[WandBMode, ...] = get_args(WandBMode)

_PICTURES = (Image.Image, Figure, TensorImage)


class MetricsWandBLogger(SplittingLogger, supports_distributed=True):  # type: ignore[call-arg]
    """Sends numbers and pictures to Weights & Biases, or writes them for ``wandb sync``.

    The horizontal axis of every chart is ``iteration``, the metric's x value. A value by class is
    named ``metric/class``. A training that is resumed is a second run of the same name.

    Args:
        project: where the run is listed.
        name: of the run; None lets W&B choose.
        folder: the run's files go to ``folder/wandb``.
        mode: "online", "offline" (needs no network and no account), "shared" or "disabled".
        config: settings shown beside the run.

    Attributes:
        run: the W&B run.

    Raises:
        ImportError: when wandb is not installed.
        ValueError: for an unknown mode, or when W&B refuses (no account, no network).

    Example:
        >>> logger = MetricsWandBLogger("voc", name="MiB", mode="disabled")
        >>> logger.log_single_metric("mIoU_all/eval_phase/test_stream/Exp001", 0.5, x_plot=30)
        >>> logger.close()
    """

    def __init__(
        self,
        project: str,
        *,
        name: str | None = None,
        folder: str | Path = ".",
        mode: WandBMode = "online",
        config: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        if mode not in WANDB_MODES:
            raise ValueError(f"mode={mode!r} is unknown; expected one of {', '.join(WANDB_MODES)}")
        self._wandb = import_wandb()
        Path(folder).mkdir(parents=True, exist_ok=True)
        try:
            self.run = self._wandb.init(
                project=project,
                name=name,
                dir=str(folder),
                mode=mode,
                config=dict(config or {}),
                reinit="create_new",  # Or a second logger would write into the first one's run.
                settings=self._wandb.Settings(console="off", quiet=True),
            )
        except self._wandb.Error as error:
            raise ValueError(
                f"Weights & Biases does not start ({error}); log in with 'wandb login', or pass "
                "mode='offline' (WANDB_MODE=offline)"
            ) from error
        # W&B drops what comes with a step below the last one, so the iteration is a value.
        self.run.define_metric("iteration")
        self.run.define_metric("*", step_metric="iteration")
        self._finish = weakref.finalize(self, self.run.finish)

    def close(self) -> None:
        """Finish the run; done by itself when the process ends."""
        self._finish()

    def _write(self, named: Sequence[Named]) -> None:
        moments: dict[int, dict[str, Any]] = {}
        for name, value, iteration in named:
            shown = self._shown(value)
            if shown is not None:
                moments.setdefault(iteration, {"iteration": iteration})[name] = shown
        for values in moments.values():
            self.run.log(values)

    def _shown(self, value: Any) -> Any:
        if isinstance(value, AlternativeValues):
            value = value.best_supported_value(*_PICTURES, float, int)
        if isinstance(value, Figure):
            value = TensorImage(render(value))
        if isinstance(value, TensorImage):
            value = to_pil_image(value.image)
        return self._wandb.Image(value) if isinstance(value, Image.Image) else as_number(value)


def import_wandb() -> Any:
    """The module ``wandb``.

    Raises:
        ImportError: when it is not installed.
    """
    try:
        import wandb

        # A folder of that name, such as W&B's own, can be imported too.
        if not hasattr(wandb, "init"):
            raise ImportError("it is a folder without code")
    except ImportError as error:
        raise ImportError(
            f"wandb cannot be imported ({error}); pip install 'avalanche_seg[wandb]'"
        ) from error
    return wandb
