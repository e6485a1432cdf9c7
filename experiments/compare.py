"""Compare runs: ``python -m experiments.compare runs/*``."""

import sys

from avalanche_seg.cli.comparing import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
