"""A whole training step of MiB on DeepLabV3; see :mod:`profiling.training_step`."""

from profiling.measuring import in_fresh_process
from profiling.original_step import Network
from profiling.report import Section, main
from profiling.training_step import compare_step, row, section

__all__ = ["measure"]

_NETWORKS = (
    Network("DeepLabV3-R50 at stride 16", "deeplabv3", "resnet50", 256, n_batches=2, rounds=3),
    Network("DeepLabV3-R101 at stride 16", "deeplabv3", "resnet101", 256, n_batches=2, rounds=3),
)


def measure(*, quick: bool = False) -> list[Section]:
    """A training step of MiB with DeepLabV3-R50 and -R101 at 256, batches of 4, from the disk."""
    return [
        section(
            network,
            f"Training step: {network.title}",
            [
                row(amp, *in_fresh_process(compare_step, network, amp, quick))
                for amp in ("off", "bf16")
            ],
        )
        for network in (_NETWORKS[:1] if quick else _NETWORKS)
    ]


if __name__ == "__main__":
    main(measure)
