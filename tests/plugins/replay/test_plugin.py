import pytest
import torch
from avalanche.training.templates import SupervisedTemplate

from avalanche_seg.losses import annotated_cross_entropy
from avalanche_seg.plugins import ClassExemplarsBuffer, SegmentationPlugin, SMiBPlugin
from avalanche_seg.plugins.replay.plugin import FixedShareSampler
from avalanche_seg.strategies import FineTuning, SMiB
from avalanche_seg.training import sgd
from tests.plugins.replay.test_buffer import make_benchmark
from tests.tiny import tiny_benchmark, tiny_model


class Spy(SegmentationPlugin):
    def __init__(self):
        super().__init__()
        self.batches = {}

    def before_forward(self, strategy, **kwargs):
        step = strategy.experience.current_experience
        self.batches.setdefault(step, []).append(strategy.mbatch)


def train(benchmark, *plugins, strategy_class=FineTuning, **options):
    spy = Spy()
    arguments = {"optimizer": sgd(0.001), "train_mb_size": 2, "evaluator": None}
    strategy = strategy_class(model=tiny_model(), plugins=[*plugins, spy], **(arguments | options))
    strategy.train(benchmark.train_stream, eval_streams=[])
    return spy, strategy


def test_union_trains_on_the_steps_images_and_every_exemplar_once(tmp_path):
    benchmark = make_benchmark(tmp_path, task=[[1], [3], [2]])
    plugin = SMiBPlugin(ClassExemplarsBuffer(1))
    spy, _ = train(benchmark, plugin, loader={"drop_last": False})
    sizes = {step: sum(len(batch[0]) for batch in found) for step, found in spy.batches.items()}
    assert sizes == {0: 4, 1: 4 + 1, 2: 2 + 2}


def test_fixed_share_of_every_batch_is_exemplars(tmp_path):
    benchmark = tiny_benchmark(tmp_path)
    plugin = SMiBPlugin(ClassExemplarsBuffer(1), share=0.5)
    spy, _ = train(benchmark, plugin, train_mb_size=4)
    assert [len(batch[0]) for batch in spy.batches[1]] == [4, 4]
    # New images show the new classes only; exemplars (visible) show an old one.
    for _, labels, *_ in spy.batches[1]:
        shows_old = [bool(((y > 0) & (y < 16)).any()) for y in labels]
        assert sum(shows_old) == 2


@pytest.mark.parametrize("n_new", [3, 4, 9])
def test_sampler_passes_over_new_images_once_and_spreads_the_memory(n_new):
    torch.manual_seed(0)
    sampler = FixedShareSampler(n_new, n_memory=2, batch_size=4, share=0.25)
    batches = list(sampler)
    assert len(batches) == len(sampler) == n_new // 3
    new = [i for batch in batches for i in batch if i < n_new]
    assert len(new) == len(set(new)) == 3 * len(batches)
    drawn = [i for batch in batches for i in batch if i >= n_new]
    assert len(drawn) == len(batches)
    assert set(drawn[:2]) == {n_new, n_new + 1} if len(drawn) > 1 else True


@pytest.mark.parametrize("share", [0.0, 1.0, -0.5])
def test_share_must_leave_room_for_both(share):
    with pytest.raises(ValueError, match="between 0 and 1"):
        SMiBPlugin(share=share)


def test_without_exemplars_smib_trains_on_the_new_images_alone(tmp_path):
    benchmark = make_benchmark(tmp_path)
    spy, _ = train(benchmark, strategy_class=SMiB, memory=0)
    assert sum(len(batch[0]) for batch in spy.batches[1]) == 2


def test_strict_never_shows_an_old_label_in_a_new_image(tmp_path):
    benchmark = make_benchmark(tmp_path, old_labels="visible")
    spy, strategy = train(
        benchmark,
        strategy_class=SMiB,
        memory=1,
        strict=True,
        loader={"drop_last": False},
    )
    for batches in spy.batches.values():
        for _, labels, extras in batches:
            for y, shown in zip(labels, extras["annotated"], strict=True):
                present = set(y.unique().tolist()) - {0, 255}
                assert present <= set(shown.nonzero().flatten().tolist())
                assert shown.sum() <= 2
    assert strategy.replay.memory.label_mode == "stored"


def test_strict_loss_is_the_unbiased_one_on_new_images_alone(tmp_path):
    """Without exemplars every image annotates the new classes: MiB's objective."""
    from avalanche_seg.strategies import MiB

    benchmark = make_benchmark(tmp_path)
    states = []
    for strategy_class, options in ((MiB, {}), (SMiB, {"memory": 0, "strict": True})):
        torch.manual_seed(3)
        _, strategy = train(benchmark, strategy_class=strategy_class, **options)
        states.append(strategy.model.state_dict())
    for name, value in states[0].items():
        torch.testing.assert_close(states[1][name], value)


def test_union_holds_every_image_once(tmp_path):
    """With old labels visible the ant's exemplar b is an image of step 1, the bee's, as well."""
    benchmark = make_benchmark(tmp_path, old_labels="visible")
    plugin = SMiBPlugin(ClassExemplarsBuffer(4))
    spy, _ = train(benchmark, plugin, loader={"drop_last": False})
    assert sum(len(batch[0]) for batch in spy.batches[1]) == 4 + 2 - 1


def test_a_model_of_an_earlier_step_gets_the_memory_of_that_step(tmp_path):
    """Training goes on from a model that was trained without exemplars."""
    benchmark = tiny_benchmark(tmp_path, task="10-5")
    whole = SMiBPlugin(ClassExemplarsBuffer(1, seed=4))
    train(benchmark, whole)
    late = SMiBPlugin(ClassExemplarsBuffer(1, seed=4))
    model = tiny_model()
    for n_new in (11, 5):
        model.grow(n_new)
    arguments = {"optimizer": sgd(0.001), "train_mb_size": 2, "evaluator": None}
    FineTuning(model=model, plugins=[late], **arguments).train(
        benchmark.train_stream[2], eval_streams=[]
    )
    assert late.memory.exemplars == whole.memory.exemplars


def test_herding_redraws_every_class(tmp_path):
    benchmark = make_benchmark(tmp_path, old_labels="visible")
    buffer = ClassExemplarsBuffer(1, selection="herding", policy="redraw")
    train(benchmark, SMiBPlugin(buffer))
    assert {channel: len(chosen) for channel, chosen in buffer.exemplars.items()} == {
        1: 1,
        2: 1,
        3: 1,
    }


def test_strict_replay_works_in_a_strategy_of_another_package(tmp_path):
    """Avalanche's template moves every part of a batch itself, extras too."""

    class Plain(SupervisedTemplate):
        def _unpack_minibatch(self):
            super()._unpack_minibatch()
            self.mbatch[0], self.mbatch[1] = self.mbatch[0].float(), self.mbatch[1].long()

        def criterion(self):
            shown.append(self.mbatch[2]["annotated"])
            return annotated_cross_entropy(
                self.mb_output.logits, self.mb_y, shown[-1][:, : self.mb_output.logits.shape[1]]
            )

    shown = []
    benchmark = make_benchmark(tmp_path)
    model = tiny_model()
    strategy = Plain(
        model=model,
        optimizer=torch.optim.SGD(model.parameters(), lr=0.001),
        train_mb_size=2,
        plugins=[SMiBPlugin(ClassExemplarsBuffer(1, label_mode="stored"), strict=True)],
        evaluator=None,
    )
    strategy.train(benchmark.train_stream, eval_streams=[], drop_last=True)
    assert shown and all(rows.dtype == torch.bool for rows in shown)
