"""SSUL against the plain loop, and what its page promises."""

import copy

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from avalanche_seg.benchmarks import eval_preset, incremental_benchmark
from avalanche_seg.datasets import make_synthetic_voc, read_voc, with_extra_maps
from avalanche_seg.models import DenseFeatures, SegmentationModel
from avalanche_seg.plugins import PolyLRPlugin, SegmentationPlugin, SharedTeacher
from avalanche_seg.strategies import SSUL, SSULM, FineTuning
from avalanche_seg.training import RoleOptions, sgd
from tests.strategies import plain_loop, plain_ssul
from tests.strategies.test_methods import InDouble, assert_same_weights
from tests.tiny import CROP, TinyNetwork, tiny_model


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory):
    """Three steps, void left void, with made-up saliency."""
    root = make_synthetic_voc(
        tmp_path_factory.mktemp("ssul") / "voc", n_train=20, n_val=20, size=(48, 64)
    )
    files = read_voc(root)
    (root / "saliency").mkdir()
    for number, image in enumerate(files.train.images):
        values = np.random.default_rng(number).integers(0, 2, (48, 64), dtype=np.uint8)
        Image.fromarray(values).save(root / "saliency" / f"{image.stem}.png")
    return incremental_benchmark(
        with_extra_maps(files, "saliency", root / "saliency"),
        task="10-5",
        setting="overlapped",
        train_void="ignore",
        train_transform=eval_preset(CROP),
        eval_transform=eval_preset(CROP),
    )


def ssul(model, *plugins, **options):
    arguments = {
        "optimizer": sgd(plain_loop.LR, plain_loop.LR_LATER),
        "train_mb_size": plain_loop.BATCH,
        "train_epochs": plain_ssul.EPOCHS,
        "loader": {"shuffle": False},
        "evaluator": None,
    }
    return SSUL(model=model, plugins=[*plugins, PolyLRPlugin()], **(arguments | options))


@pytest.mark.parametrize("saliency", [None, "saliency"])
def test_three_steps_end_with_the_weights_of_the_plain_loop(benchmark, saliency):
    model, expected = (tiny_model(seed=2, **SSUL.model_options).double() for _ in range(2))
    n_accepted = plain_ssul.train_plainly(expected, benchmark, saliency=saliency is not None)
    assert n_accepted > 100, "pseudo-labels take part"
    threshold = plain_ssul.THRESHOLD
    strategy = ssul(model, InDouble(), saliency=saliency, pseudo_threshold=threshold)
    for experience in benchmark.train_stream:
        torch.manual_seed(plain_loop.SEED)
        strategy.train(experience, eval_streams=[])
    assert_same_weights(model, expected)


class Recorder(SegmentationPlugin):
    """Notes the batches of every step, before their labels are changed."""

    def __init__(self):
        super().__init__()
        self.batches = []

    def before_training_exp(self, strategy, **kwargs):
        self.batches.append([])

    def before_training_iteration(self, strategy, **kwargs):
        images, labels, *rest = strategy.mbatch
        self.batches[-1].append((images.clone(), labels.clone(), rest[0] if rest else {}))


@pytest.mark.parametrize("legacy_labels", [False, True])
def test_with_a_memory_too(benchmark, legacy_labels):
    """Half of the batches is replayed; in the published code with labels of the channel before."""
    model, expected = (tiny_model(seed=2, **SSUL.model_options).double() for _ in range(2))
    recorder, threshold = Recorder(), plain_ssul.THRESHOLD
    strategy = SSULM(
        model=model,
        optimizer=sgd(plain_loop.LR, plain_loop.LR_LATER),
        train_mb_size=4,
        train_epochs=2,
        plugins=[InDouble(), recorder, PolyLRPlugin()],
        evaluator=None,
        memory_size=6,
        legacy_labels=legacy_labels,
        saliency="saliency",
        pseudo_threshold=threshold,
    )
    for experience in benchmark.train_stream:
        torch.manual_seed(plain_loop.SEED)
        strategy.train(experience, eval_streams=[])
    assert len(strategy.replay.memory) == 6
    batches = [of_step for of_step in recorder.batches if of_step]
    n_images = [len(e.dataset) for e in benchmark.train_stream]
    assert [len(of_step) for of_step in batches] == [n // 4 * 2 for n in n_images]
    if legacy_labels:
        assert all(e["raw_labels"].sum() == 2 for of_step in batches[1:] for *_, e in of_step)
    plain_ssul.train_plainly(expected, benchmark, saliency=True, batches_of_step=batches)
    assert_same_weights(model, expected)


class Dropping(TinyNetwork):
    """With batch norm, and dropout behind it as DeepLabV3 has it."""

    def __init__(self, last=True):
        super().__init__()
        self.norm, self.drop, self.last = nn.BatchNorm2d(8), nn.Dropout(0.5), last

    def forward(self, images):
        main, aux, _ = super().forward(images)
        main = self.norm(main)
        return DenseFeatures(self.drop(main) if self.last else 2 * self.drop(main), aux)


class Spy(SegmentationPlugin):
    """Compares the shared teacher with a copy of the whole previous model, on every batch."""

    def __init__(self):
        super().__init__()
        self.previous, self.logits, self.runs = None, [], 0

    def before_train_dataset_adaptation(self, strategy, **kwargs):
        self.previous = copy.deepcopy(strategy.model).eval()

    def before_forward(self, strategy, **kwargs):
        def count(module, inputs, output):
            self.runs += 1

        self.handle = strategy.model.network.register_forward_hook(count)

    def after_update(self, strategy, **kwargs):
        self.handle.remove()

    def before_backward(self, strategy, **kwargs):
        self.logits.append(strategy.mb_output.logits.detach())
        if not strategy.experience.previous_classes:
            return
        teacher = next(p.teacher for p in strategy.plugins if getattr(p, "teacher", None))
        assert isinstance(teacher, SharedTeacher)
        with torch.no_grad():
            expected = strategy.run_model(self.previous, strategy.mb_x).logits
        assert teacher(strategy.mb_x).logits.equal(expected), "bit for bit"


@pytest.mark.parametrize(
    ("network", "more"), [(TinyNetwork, 0), (Dropping, 0), (lambda: Dropping(last=False), 1)]
)
def test_one_forward_pass_serves_student_and_teacher_exactly(benchmark, network, more):
    torch.manual_seed(0)
    model = SegmentationModel(network(), 8, (6,), **SSUL.model_options)
    spy = Spy()
    strategy = ssul(model, spy, train_mb_size=4, train_epochs=2, loader=None)
    strategy.train(benchmark.train_stream[0], eval_streams=[])
    for step in (1, 2):
        spy.logits.clear()
        spy.runs = 0
        strategy.train(benchmark.train_stream[step], eval_streams=[])
        n = len(spy.logits)
        # The look at a step's first batch, and one more pass each time where dropout is within.
        assert spy.runs == n + 1 + more * n


def test_bf16_shares_exactly_too(benchmark):
    spy = Spy()
    strategy = ssul(tiny_model(**SSUL.model_options), spy, amp="bf16", train_mb_size=4)
    strategy.train(benchmark.train_stream[:2], eval_streams=[])
    assert spy.logits


def test_old_logits_stay_bit_for_bit_and_new_ones_start_as_the_unknowns(benchmark):
    spy, model = Spy(), tiny_model(**SSUL.model_options)
    strategy = ssul(model, spy, train_mb_size=4)
    strategy.train(benchmark.train_stream[0], eval_streams=[])
    images = torch.randn(2, 3, CROP, CROP)
    for step, n_old in ((1, 12), (2, 17)):
        before, state = model.eval()(images).logits, copy.deepcopy(model.state_dict())
        spy.logits.clear()
        strategy.train(benchmark.train_stream[step], eval_streams=[])
        after, first = model.eval()(images).logits, spy.logits[0]
        assert after[:, 2:n_old].equal(before[:, 2:])
        assert not after[:, :1].equal(before[:, :1]) and not after[:, 1:2].equal(before[:, 1:2])
        assert first[:, n_old:].shape[1] == 5
        torch.testing.assert_close(first[:, n_old:], first[:, :1].expand(-1, 5, -1, -1))
        moved = {name for name, v in state.items() if not v.equal(model.state_dict()[name])}
        assert {name.rsplit(".", 2)[0] for name in moved} == {
            "head.classifiers.0", "head.classifiers.1",
        }, "of what was there only both small heads"  # fmt: skip
        assert all("classifiers.0.1." not in name and ".1.1." not in name for name in moved)


def test_rates_are_the_published_ones_unless_given(benchmark):
    def rates(**options):
        strategy = ssul(tiny_model(**SSUL.model_options), **options)
        found = []
        for experience in benchmark.train_stream[:2]:
            strategy.train(experience, eval_streams=[])
            groups = strategy.optimizer.param_groups
            found.append({g.get("role"): pytest.approx(g["initial_lr"]) for g in groups})
        return found

    first, later = rates(optimizer=sgd(0.01, 0.02))
    assert first == {"body": 0.001, "extra": 0.01, "background": 0.01, "new": 0.01}
    assert later["background"] == 2e-6 and later["extra"] == later["new"] == 0.02
    own = sgd(0.01, 0.02, roles={"new": RoleOptions(lr=3.0)})
    assert rates(optimizer=own)[1]["new"] == 0.06


def test_bad_input(benchmark):
    with pytest.raises(ValueError, match=r"SSUL needs one with head='3x3', n_extra=1, .*n_extra=0"):
        ssul(tiny_model())
    with pytest.raises(ValueError, match=r"SSUL needs a SegmentationModel with head"):
        ssul(nn.Conv2d(3, 1, 1))
    model = tiny_model(**SSUL.model_options)
    with pytest.raises(ValueError, match=r"pseudo_threshold=1.5; expected 0 to 1"):
        ssul(model, pseudo_threshold=1.5)
    before = copy.deepcopy(model.network.state_dict())
    strategy = ssul(model, saliency="depth")
    with pytest.raises(ValueError, match=r"saliency='depth': the samples have the extras saliency"):
        strategy.train(benchmark.train_stream[0], eval_streams=[])
    assert all(value.equal(model.network.state_dict()[name]) for name, value in before.items())


def test_sharing_is_refused_where_the_network_learns(benchmark):
    from avalanche_seg.plugins import SharedForwardPlugin, TeacherPlugin

    strategy = FineTuning(
        model=tiny_model(),
        optimizer=sgd(0.01),
        train_mb_size=4,
        plugins=[SharedForwardPlugin(), TeacherPlugin()],
        evaluator=None,
    )
    with pytest.raises(ValueError, match=r"'first.weight' of the network changes in this step"):
        strategy.train(benchmark.train_stream[:2], eval_streams=[])
