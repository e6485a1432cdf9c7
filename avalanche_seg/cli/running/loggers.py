"""Where a run's numbers and pictures go: the flag ``--loggers``."""

import os
import warnings
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from avalanche.logging import BaseLogger, TensorboardLogger, TextLogger

from avalanche_seg.loggers import MetricsCSVLogger, MetricsWandBLogger, import_wandb
from avalanche_seg.system import is_main

__all__ = [
    "LOGGERS",
    "close_loggers",
    "make_loggers",
    "read_names",
    "show_pictures",
]

LOGGERS = ("tensorboard", "csv", "text", "wandb")
_WITH_PICTURES = frozenset({"tensorboard", "wandb"})


def read_names(words: Sequence[str]) -> tuple[str, ...]:
    """The loggers that a command line names, each once, in the order of :data:`LOGGERS`.

    Args:
        words: names, several in one word separated by commas; "none" alone for no logger.

    Raises:
        ValueError: for an unknown name, none at all, "none" beside another, or "wandb" when it is
            not installed.

    Example:
        >>> read_names(["csv,tensorboard", "text"])
        ('tensorboard', 'csv', 'text')
        >>> read_names(["none"])
        ()
    """
    names = [name.strip().lower() for word in words for name in word.split(",") if name.strip()]
    known = f"expected some of {', '.join(LOGGERS)}, or none"
    if not names:
        raise ValueError(f"--loggers names no logger; {known}")
    for name in names:
        if name not in (*LOGGERS, "none"):
            raise ValueError(f"--loggers {name!r} is unknown; {known}")
    if "none" in names:
        if set(names) != {"none"}:
            raise ValueError("--loggers none contradicts the other names; leave one out")
        return ()
    if "wandb" in names:
        try:
            import_wandb()
        except ImportError as error:
            raise ValueError(f"--loggers wandb: {error}") from error
    return tuple(name for name in LOGGERS if name in names)


def show_pictures(names: Sequence[str]) -> bool:
    """Whether one of the loggers can show pictures; drawing them costs time."""
    return not _WITH_PICTURES.isdisjoint(names)


def make_loggers(
    names: Sequence[str],
    folder: Path,
    run_name: str,
    *,
    config: Mapping[str, Any] | None = None,
) -> list[BaseLogger]:
    """Make the loggers of a run; they continue the files that are there.

    Args:
        names: some of :data:`LOGGERS`.
        folder: of the run: TensorBoard's events go to ``tensorboard``, the numbers to ``log.csv``,
            text to ``log.txt``, Weights & Biases' files to ``wandb``.
        run_name: the name at Weights & Biases, in the project "avalanche_seg". Its mode is that of
            the environment variable WANDB_MODE; without it "online" when there is a WANDB_API_KEY,
            else "offline".
        config: the run's settings, shown at Weights & Biases.

    Raises:
        ValueError: when ``log.csv`` is something else, or Weights & Biases does not start.
    """
    make = {
        "tensorboard": lambda: TensorboardLogger(folder / "tensorboard"),
        "csv": lambda: MetricsCSVLogger(folder / "log.csv"),
        "text": lambda: _text_logger(folder / "log.txt"),
        "wandb": lambda: MetricsWandBLogger(
            "avalanche_seg", name=run_name, folder=folder, mode=_wandb_mode(), config=config
        ),
    }
    loggers = [make[name]() for name in names]
    if loggers or not is_main():  # Avalanche refuses loggers in other processes.
        return loggers
    return [BaseLogger()]  # Does nothing; without any logger Avalanche warns.


def close_loggers(loggers: Sequence[BaseLogger]) -> None:
    """Finish the loggers that have an end, such as a run at Weights & Biases."""
    for logger in loggers:
        if isinstance(logger, TensorboardLogger):
            _close_tensorboard(logger)
        elif callable(close := getattr(logger, "close", None)):
            close()


def _close_tensorboard(logger: TensorboardLogger) -> None:
    try:
        logger.writer.close()
    except OSError as error:
        logger.writer.all_writers = None  # Or it is tried again at exit, with a traceback.
        warnings.warn(
            f"the last events for TensorBoard are not written ({error}) to "
            f"{logger.writer.log_dir}; is the disk full?",
            stacklevel=3,
        )


def _text_logger(path: Path) -> TextLogger:
    file = path.open("a", encoding="utf-8", buffering=1)
    logger = TextLogger(file)
    weakref.finalize(logger, file.close)
    return logger


def _wandb_mode() -> Any:
    default = "online" if os.environ.get("WANDB_API_KEY") else "offline"
    return os.environ.get("WANDB_MODE") or default  # The logger refuses an unknown one.
