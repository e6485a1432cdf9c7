"""Train and test a method on an incremental task: ``python -m experiments.run --help``."""

import sys

from avalanche_seg.cli.running.command import main
from avalanche_seg.system import keep_freed_memory

__all__ = ["main"]

if __name__ == "__main__":
    keep_freed_memory()
    sys.exit(main())
