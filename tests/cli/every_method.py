"""Run every method with the given flags, in the processes that torchrun started."""

import sys

from avalanche_seg.cli.options.methods import METHODS, argument_of
from avalanche_seg.cli.running.command import main
from avalanche_seg.system import process_group

if __name__ == "__main__":
    with process_group(cuda=False):
        for method in METHODS:
            size = ["--memory_size", "4"] if "memory_size" in argument_of(method) else []
            code = main([*sys.argv[1:], *size, "--method", method, "--name", method])
            if code != 0:
                sys.exit(code)
