"""Command lines that take seconds."""

import hashlib
from pathlib import Path


def small(devkit: Path, logdir: Path, *more: str) -> list[str]:
    arguments = {
        "--dataset": "voc",
        "--data_root": str(devkit),
        "--epochs": "1",
        "--batch_size": "8",
        "--crop_size": "32",
        "--backbone": "resnet18",
        "--logdir": str(logdir),
    }
    return [text for pair in arguments.items() for text in pair] + ["--no_pretrained", *more]


def digest(path: Path) -> str:
    """Of a file's bytes: pytest takes minutes to show where two models differ."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
