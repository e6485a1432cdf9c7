"""Run every method with the given flags, in the processes that torchrun started."""

import sys

from avalanche_seg.distributed import process_group
from experiments.methods import METHODS
from experiments.run import main

if __name__ == "__main__":
    with process_group(cuda=False):
        for method in METHODS:
            code = main([*sys.argv[1:], "--method", method, "--name", method])
            if code != 0:
                sys.exit(code)
