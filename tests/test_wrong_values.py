"""Public constructors refuse wrong values by the name of the argument, and take right ones."""

import math
from types import SimpleNamespace

import pytest
import torch
from torch import nn

import avalanche_seg as seg
from tests.tiny import TinyNetwork, tiny_model

NAN, INF = math.nan, math.inf
NUMBER = [NAN, INF, -INF, -1.0, "3", [], True]
SHARE = [NAN, INF, -0.1, 1.1, "3", None, True]
COUNT = [NAN, INF, -1, 0, 1.5, "3", [], True]
FROM_ZERO = [NAN, INF, -1, 1.5, "3", [], True]
FLAG = ["no", 0, 3, None]
THING = [3, "x"]

MATRIX = torch.tensor([[3, 1], [0, 2]])
LABELS = torch.zeros(1, 2, 2, dtype=torch.int64)
LOGITS = torch.zeros(1, 3, 2, 2)
PALETTE = [0] * 768


class Pseudo(seg.TargetPlugin):
    def targets(self, batch):
        return batch.target, None


def given(kind, **needed):
    """The constructor with the arguments it needs, which a case replaces."""

    def make(**options):
        return kind(**(needed | options))

    make.__name__ = kind.__name__
    return make


def strategy(kind):
    return given(kind, model=tiny_model(), optimizer=seg.sgd(), evaluator=None)


def grown(n_new):
    head = seg.IncrementalHead(8)
    head.grow(n_new)


grown.__name__ = "grow"

CASES = [
    (seg.sgd, {"lr": [*NUMBER, None], "lr_later": NUMBER, "momentum": NUMBER, "nesterov": FLAG}),
    (seg.sgd, {"weight_decay": NUMBER, "roles": [3, {"body": 0.1}], "first_step_roles": ["body"]}),
    (seg.RoleOptions, {"lr": NUMBER, "weight_decay": NUMBER}),
    (seg.PolyLRPlugin, {"power": NUMBER}),
    (seg.StepLRPlugin, {"every": COUNT, "decay": NUMBER}),
    (seg.DistillationPlugin, {"weight": NUMBER, "teacher_scale": NUMBER, "teacher": THING}),
    (seg.UnbiasedDistillationPlugin, {"weight": NUMBER, "teacher_scale": NUMBER}),
    (seg.ICaRLDistillationPlugin, {"weight": NUMBER, "teacher": [nn.Linear(1, 1)]}),
    (seg.FeatureDistillationPlugin, {"weight": NUMBER, "tap": [3, "", None]}),
    (given(seg.DistillationTerm, weight=1.0), {"weight": NUMBER, "teacher_scale": NUMBER}),
    (given(seg.UnbiasedDistillationTerm, weight=1.0), {"weight": NUMBER, "teacher_scale": NUMBER}),
    (given(seg.ICaRLDistillationTerm, weight=1.0), {"weight": NUMBER}),
    (seg.EWCPlugin, {"weight": NUMBER, "decay": SHARE}),
    (seg.PIPlugin, {"weight": NUMBER}),
    (seg.RWPlugin, {"weight": NUMBER, "decay": SHARE, "interval": COUNT}),
    (
        seg.ClassExemplarsBuffer,
        {
            "n_per_class": FROM_ZERO,
            "seed": FROM_ZERO,
            "selection": THING,
            "policy": THING,
            "annotates": THING,
        },
    ),
    (
        given(seg.ReplayPlugin, memory=seg.ClassExemplarsBuffer()),
        {"memory": [3, None, seg.ClassExemplarsBuffer], "share": [NAN, 0, 1, "3"], "strict": FLAG},
    ),
    (seg.SMiBPlugin, {"memory": THING, "share": [NAN, 0, 1, -1]}),
    (
        seg.FreezePlugin,
        {
            "evaluation": ["network", 3, [3]],
            "first_step": FROM_ZERO,
            "batch_norm": FLAG,
            "heads_only": FLAG,
            "old_heads": FLAG,
        },
    ),
    (seg.PeriodicEvalPlugin, {"eval_every": [NAN, INF, -2, 1.5, "3", None]}),
    (seg.ProgressPlugin, {"every": COUNT}),
    (given(seg.ObjectivePlugin, objective=seg.ICaRLDistillationTerm(1.0)), {"objective": THING}),
    (Pseudo, {"first_step": FROM_ZERO, "progress": FLAG}),
    (
        strategy(seg.FineTuning),
        {
            "model": [3, None, nn.Linear],
            "optimizer": [3, None, "sgd", torch.optim.SGD],
            "train_mb_size": COUNT,
            "train_epochs": FROM_ZERO,
            "eval_mb_size": COUNT,
            "device": ["x", 3.5],
            "plugins": [3, "x", ["x"], [3], [seg.PolyLRPlugin]],
            "evaluator": THING,
            "eval_every": [NAN, -2, 1.5, "3", None],
            "loader": [3, "x", {"bogus": 1}, {"batch_size": 3}, {"num_workers": 1.5}],
            "channels_last": FLAG,
            "compile": FLAG,
            "micro_batches": COUNT,
        },
    ),
    (
        strategy(seg.SegmentationTemplate),
        {"criterion": [3, "ce", nn.CrossEntropyLoss], "objective": [3, "x", seg.CrossEntropy()]},
    ),
    (strategy(seg.MiB), {"kd_weight": NUMBER, "teacher_scale": NUMBER}),
    (strategy(seg.ILT), {"kd_weight": NUMBER, "feature_weight": NUMBER}),
    (strategy(seg.LwF), {"kd_weight": NUMBER, "teacher_scale": NUMBER}),
    (strategy(seg.LwFMC), {"kd_weight": NUMBER}),
    (strategy(seg.EWC), {"penalty_weight": NUMBER, "decay": SHARE}),
    (strategy(seg.RW), {"penalty_weight": NUMBER, "interval": COUNT}),
    (strategy(seg.PI), {"penalty_weight": NUMBER}),
    (
        strategy(seg.PLOP),
        {
            "pod_weight": NUMBER,
            "pod_logits_weight": NUMBER,
            "taps": [3, "head", []],
            "extra_channels": THING,
            "pseudo_labels": FLAG,
            "threshold": THING,
            "least_threshold": SHARE,
            "weigh_images": FLAG,
        },
    ),
    (strategy(seg.EWF), {"kd_weight": NUMBER, "fusion_share": [NAN, -0.1, 1.1, "3"]}),
    (strategy(seg.EWFPLOP), {"pod_weight": NUMBER, "fusion_share": [NAN, -0.1, 1.1, "3"]}),
    (
        strategy(seg.LGKD),
        {
            "guided_old_weight": NUMBER,
            "guided_new_weight": NUMBER,
            "guided_reduction": THING,
        },
    ),
    (seg.PseudoLabelPlugin, {"threshold": THING, "least": SHARE, "weigh_images": FLAG}),
    (seg.LocalPODPlugin, {"weight": NUMBER, "logits_weight": NUMBER, "taps": [3, "x", []]}),
    (seg.WeightFusionPlugin, {"share": [NAN, INF, -0.1, 1.1, "3", True]}),
    (given(seg.EpochsPlugin, first=1, later=1), {"first": FROM_ZERO, "later": FROM_ZERO}),
    (
        strategy(seg.SMiB),
        {"memory": [NAN, 1.5, "3"], "kd_weight": NUMBER, "share": [0, NAN], "strict": FLAG},
    ),
    (
        given(seg.confusion_matrix, prediction=LABELS, target=LABELS, n_classes=2),
        {
            "n_classes": COUNT,
            "prediction": [LABELS.float(), LABELS + 2, LABELS - 1, LABELS[0]],
            "target": [LABELS.float(), LABELS[0]],
        },
    ),
    (seg.ConfusionMatrix, {"n_classes": COUNT}),
    (
        given(seg.StepReport, step=0, matrix=MATRIX, class_names=["bg", "cat"], n_base=2),
        {
            "step": FROM_ZERO,
            "matrix": [MATRIX[:1], MATRIX[0], -MATRIX, 3, [[1, 2], [3, 4]]],
            "class_names": [["bg"], ["bg", "bg"], "bg", 3, [1, 2]],
            "n_base": [9, 3, *COUNT],
            "extra": [{"x": "y"}],
            "class_ids": [3, "ab", [0.5, 1]],
        },
    ),
    (
        seg.MeanIoU,
        {
            "class_names": [3, "ab", ["a", "a"], [1]],
            "base_classes": [3, [], [-1], [1.5], "x"],
            "per_class": FLAG,
        },
    ),
    (seg.BoundaryIoU, {"ratio": [NAN, INF, -1, 0, "3", None]}),
    (
        given(seg.SamplePredictions, palette=PALETTE),
        {"n": FROM_ZERO, "palette": [PALETTE[1:], [-1] * 768, [256] * 768, [0.5] * 768]},
    ),
    (given(seg.protocol_means, matrix=MATRIX, n_base=2), {"n_base": COUNT, "matrix": [MATRIX[0]]}),
    (given(seg.class_groups, n_base=2, n_classes=3), {"n_base": COUNT, "n_classes": FROM_ZERO}),
    (
        seg.BiSeNet,
        {"n_extra": FROM_ZERO, "classes_per_step": [3, [0], [1.5], ["x"], "12"], "head": THING},
    ),
    (
        given(seg.DeepLabV3, backbone="resnet18"),
        {
            "output_stride": [NAN, 32, "16", None, [8]],
            "activation": THING,
            "aux": FLAG,
            "last_conv": FLAG,
            "norm_momentum": SHARE,
            "dropout": SHARE,
            "pooling_window": [NAN, 0, 1.5, "3"],
        },
    ),
    (
        given(seg.SegmentationModel, network=TinyNetwork(), channels=8, aux_channels=(6,)),
        {"network": [3, None, TinyNetwork], "channels": COUNT, "aux_channels": [3, [0], [1.5]]},
    ),
    (
        given(seg.SegmentationModel, network=TinyNetwork(), channels=8, aux_channels=(6,)),
        {"body": ["decoder", "network.third"], "n_extra": FROM_ZERO},
    ),
    (
        given(seg.IncrementalHead, in_channels=8),
        {"in_channels": COUNT, "factory": [3, None], "n_extra": FROM_ZERO},
    ),
    (grown, {"n_new": COUNT}),
    (
        seg.train_preset,
        {
            "crop_size": [*COUNT, None],
            "scale": [3, (0, 1), (2, 1), (NAN, 1), (1,), (1, INF)],
            "ratio": [3, (0, 1), (2, 1), "12"],
            "flip_p": SHARE,
            "normalize": FLAG,
        },
    ),
    (seg.eval_preset, {"crop_size": COUNT, "normalize": FLAG}),
    *(
        (kind, {"ignore_index": [1.5, NAN, "3", None], "reduction": THING})
        for kind in (seg.CrossEntropy, seg.UnbiasedCrossEntropy, seg.BinaryCrossEntropy)
    ),
    (seg.UnbiasedCrossEntropy, {"n_old": COUNT}),
    *(
        (kind, {"teacher_scale": NUMBER, "reduction": THING})
        for kind in (seg.Distillation, seg.UnbiasedDistillation)
    ),
    (
        given(seg.distillation, logits=LOGITS, teacher_logits=LOGITS),
        {"teacher_scale": NUMBER, "size": [3, (0, 1), (1.5, 2)]},
    ),
    (
        given(seg.unbiased_cross_entropy, logits=LOGITS, target=LABELS, n_old=2),
        {"n_old": [NAN, 0, -1, 4, 1.5, "3"]},
    ),
]
FLAT = [(make, name, value) for make, wrong in CASES for name in wrong for value in wrong[name]]


@pytest.mark.parametrize(
    ("make", "name", "value"),
    FLAT,
    ids=[f"{make.__name__}-{name}-{str(value)[:20]}" for make, name, value in FLAT],
)
def test_a_wrong_value_is_refused_in_one_sentence(make, name, value):
    with pytest.raises(ValueError) as error:
        make(**{name: value})
    message = str(error.value)
    assert name in message or "got " in message or "palette" in message, message
    assert "\n" not in message


@pytest.mark.parametrize(
    "make", [make for make, _ in CASES], ids=[make.__name__ for make, _ in CASES]
)
def test_the_other_arguments_alone_are_fine(make):
    make(n_new=1) if make is grown else make()


def test_right_values_at_the_bounds_pass():
    first = SimpleNamespace(previous_classes=[])
    assert seg.sgd(lr=0, weight_decay=0)(nn.Linear(1, 1), first).param_groups[0]["lr"] == 0
    seg.PolyLRPlugin(0)
    seg.StepLRPlugin(every=1, decay=0)
    seg.EWCPlugin(0, decay=1)
    seg.ClassExemplarsBuffer(0, seed=0)
    seg.train_preset(1, scale=(1, 1), flip_p=0)
    seg.CrossEntropy(ignore_index=-100)
    seg.PeriodicEvalPlugin(-1)
    seg.FineTuning(
        model=tiny_model(), optimizer=seg.sgd(), evaluator=None, train_epochs=0, eval_mb_size=None
    )


@pytest.mark.parametrize("name", ["train_transform", "eval_transform"])
@pytest.mark.parametrize("value", [3, "flip", [seg.eval_preset(8)], seg.eval_preset(8).__class__])
def test_a_transform_that_is_no_function_is_refused(name, value, tmp_path):
    from tests.tiny import tiny_benchmark

    with pytest.raises(ValueError, match=f"^{name}=.*expected a function of"):
        tiny_benchmark(tmp_path, **{name: value})
