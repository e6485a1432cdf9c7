"""Label images by a saved model: ``python -m experiments.predict --help``."""

import sys

from avalanche_seg.cli.predicting.command import main
from avalanche_seg.system import keep_freed_memory

__all__ = ["main"]

if __name__ == "__main__":
    keep_freed_memory()
    sys.exit(main())
