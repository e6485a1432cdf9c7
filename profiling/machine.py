"""The machine and the versions that numbers belong to."""

import os
import platform
from pathlib import Path

import PIL
import torch
import torchvision

__all__ = ["describe_machine"]


def describe_machine() -> str:
    """Processor, cores, memory, GPU, versions and threads, in one line."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    parts = [
        f"{_processor()}, {os.cpu_count()} cores, {torch.backends.cpu.get_cpu_capability()}, "
        f"{memory:.0f} GiB",
        torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU",
        f"{platform.system()}, Python {platform.python_version()}",
        f"torch {torch.__version__}, torchvision {torchvision.__version__}, "
        f"Pillow {PIL.__version__}",
        f"{torch.get_num_threads()} threads",
    ]
    return "; ".join(parts)


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
