"""A whole training step of MiB on DeepLabV3; see :mod:`profiling.training_step`.

Processor time on one thread: a step takes seconds, and other programs of the machine hardly count.
"""

import time

from profiling.measuring import in_fresh_process, single_thread
from profiling.original_step import Network
from profiling.report import Section, main
from profiling.training_step import Versus, compare_step, row, section

__all__ = ["measure"]

_NETWORKS = (
    Network("DeepLabV3-R50 at stride 16", "deeplabv3", "resnet50", 256, n_batches=1, rounds=2),
    Network("DeepLabV3-R101 at stride 16", "deeplabv3", "resnet101", 256, n_batches=1, rounds=2),
)


def measure(*, quick: bool = False) -> list[Section]:
    """A training step of MiB with DeepLabV3-R50 and -R101 at 256, batches of 4, from the disk."""
    return [
        section(
            network,
            f"Training step: {network.title}",
            [row(amp, in_fresh_process(_compare, network, amp, quick)) for amp in ("off", "bf16")],
            notes=["Seconds of processor time on one thread."],
        )
        for network in (_NETWORKS[:1] if quick else _NETWORKS)
    ]


def _compare(network: Network, amp: str, quick: bool) -> Versus:
    with single_thread():
        return compare_step(network, amp, quick, time.process_time)


if __name__ == "__main__":
    main(measure)
