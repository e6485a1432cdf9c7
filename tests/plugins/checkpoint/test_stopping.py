"""Several processes that are to stop: all after the same batch, in training and in evaluation."""

import pytest

from avalanche_seg.plugins import CheckpointPlugin, SegmentationPlugin
from avalanche_seg.plugins.checkpoint.stopping import stop_agreed
from avalanche_seg.strategies import FineTuning
from avalanche_seg.system import rank
from avalanche_seg.training import sgd
from tests.distributed import in_processes
from tests.tiny import tiny_benchmark, tiny_model


class Asked(SegmentationPlugin):
    """One process is asked to stop in one of its evaluation batches; all count theirs."""

    supports_distributed = True

    def __init__(self, checkpoint, process, batch):
        super().__init__()
        self.checkpoint, self.at, self.batches = checkpoint, (process, batch), 0

    def after_eval_iteration(self, strategy, **kwargs):
        self.batches += 1
        if (rank(), self.batches) == self.at:
            self.checkpoint.stop = True


def evaluate(root, path, process, batch, expected):
    benchmark = tiny_benchmark(root)
    model = tiny_model()
    model.grow(21)
    checkpoint = CheckpointPlugin(path / "state.pt")
    asked = Asked(checkpoint, process, batch)
    strategy = FineTuning(
        model=model,
        optimizer=sgd(0.01),
        eval_mb_size=4,  # Of 20 images process 0 has three batches, process 1 two.
        evaluator=None,
        plugins=[asked, checkpoint],
    )
    with pytest.raises(KeyboardInterrupt, match="stopped"):
        strategy.eval([benchmark.test_stream[1], benchmark.test_stream[1]])
    assert asked.batches == expected[rank()]


@pytest.mark.parametrize(
    ("process", "batch", "expected"),
    [
        (1, 1, (1, 1)),
        (0, 2, (2, 2)),
        (0, 3, (3, 2)),  # Process 1 has no third batch, and waits at the end.
        (1, 3, (4, 3)),  # The first of the second experience.
    ],
)
def test_all_processes_stop_after_the_batch_in_which_one_was_asked(
    tmp_path, process, batch, expected
):
    tiny_benchmark(tmp_path)  # Written once, before there are several that read it.
    in_processes(evaluate, 2, tmp_path, tmp_path, process, batch, expected)


def agree():
    answers = [
        [stop_agreed(rank() == 1 and n > 3, n, device) for n in range(1, 22)]
        for device in ("cpu", "cuda")
    ]
    assert answers[0] == [n > 3 for n in range(1, 22)]
    assert answers[1] == [n in (10, 20) for n in range(1, 22)], "asking makes a GPU wait"


def test_gpus_ask_after_every_tenth_batch():
    in_processes(agree, 2)
