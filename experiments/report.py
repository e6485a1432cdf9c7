"""One self-contained HTML page about runs: ``python -m experiments.report --help``."""

import sys

from avalanche_seg.cli.reporting.command import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
