"""The import rule of the rooms, and the public names."""

import ast
import importlib
from pathlib import Path

import pytest

import avalanche_seg

ROOT = Path(avalanche_seg.__file__).parent
LEAVES = {
    "allocator",
    "labels",
    "scratch",
    "resize",
    "tiling",
    "prediction",
    "normalization",
    "atomic",
    "distributed",
}
MIDDLE = {"benchmarks", "models", "losses", "metrics"}
MAY_IMPORT = {
    "allocator": set(),
    "labels": set(),
    "scratch": set(),
    "resize": set(),
    "tiling": {"resize", "scratch"},
    "prediction": {"scratch", "tiling"},
    "normalization": set(),
    "atomic": set(),
    "distributed": set(),
    **{room: LEAVES for room in MIDDLE},
    "plugins": LEAVES | MIDDLE,
    "strategies": LEAVES | MIDDLE | {"plugins"},
}
TORCH_ONLY = {"models", "losses"}
AVALANCHE_ALLOWED = {("models", "incremental_head.py")}  # DynamicModule, the base of the head.

PUBLIC_NAMES = {
    "benchmarks": {
        "Devkit",
        "FolderIncremental",
        "Samples",
        "SegmentationScenario",
        "VOCIncremental",
        "eval_preset",
        "make_synthetic_voc",
        "segmentation_benchmark",
        "train_preset",
    },
    "losses": {
        "AnnotatedCrossEntropy",
        "BinaryCrossEntropy",
        "CrossEntropy",
        "Distillation",
        "FeatureDistillation",
        "ICaRLDistillation",
        "MiBLoss",
        "UnbiasedCrossEntropy",
        "UnbiasedDistillation",
        "annotated_cross_entropy",
        "binary_cross_entropy",
        "cross_entropy",
        "distillation",
        "feature_distillation",
        "icarl_distillation",
        "mib_loss",
        "unbiased_cross_entropy",
        "unbiased_distillation",
    },
    "metrics": {
        "ConfusionMatrix",
        "ConfusionMatrixFigure",
        "LossTerms",
        "MeanIoU",
        "RunReport",
        "SamplePredictions",
        "StepReport",
        "class_accuracy",
        "class_groups",
        "class_iou",
        "confusion_matrix",
        "forgetting",
        "loss_term_metrics",
        "mean_iou_metrics",
        "pixel_accuracy",
        "summarize",
    },
    "models": {
        "BiSeNet",
        "DenseFeatures",
        "IncrementalHead",
        "SegmentationModel",
        "SegmentationOutput",
        "as_output",
        "balanced_init",
        "load_model",
        "save_model",
    },
    "plugins": {
        "BalancedInitPlugin",
        "CSVLogger",
        "CheckpointPlugin",
        "ClassExemplarsBuffer",
        "DistillationPlugin",
        "Exemplar",
        "SMiBPlugin",
        "EWCPlugin",
        "FeatureDistillationPlugin",
        "ICaRLDistillationPlugin",
        "ImportancePlugin",
        "PIPlugin",
        "RWPlugin",
        "PeriodicEvalPlugin",
        "FreezePlugin",
        "PolyLRPlugin",
        "SchedulePlugin",
        "StepLRPlugin",
        "ProgressPlugin",
        "SegmentationPlugin",
        "Teacher",
        "TeacherPlugin",
        "UnbiasedDistillationPlugin",
        "WandBLogger",
    },
    "strategies": {
        "EWC",
        "FineTuning",
        "ILT",
        "Joint",
        "LwF",
        "LwFMC",
        "MiB",
        "PI",
        "RW",
        "SMiB",
        "SegmentationTemplate",
        "default_evaluator",
        "sgd",
    },
}


def imported_modules(path):
    """Every dotted module name a file imports; this package uses no relative imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""


def modules_of(room):
    return [ROOT / f"{room}.py"] if room in LEAVES else sorted((ROOT / room).glob("*.py"))


@pytest.mark.parametrize("room", sorted(MAY_IMPORT))
def test_rooms_import_only_what_lies_before_them(room):
    allowed = MAY_IMPORT[room] | {room}
    for path in modules_of(room):
        for name in imported_modules(path):
            parts = name.split(".")
            assert parts[0] not in {"experiments", "profiling"}, f"{path} imports {name}"
            if parts[0] == "avalanche_seg":
                assert len(parts) > 1 and parts[1] in allowed, f"{path} imports {name}"


@pytest.mark.parametrize("room", sorted(TORCH_ONLY))
def test_models_and_losses_need_torch_only(room):
    for path in modules_of(room):
        uses_avalanche = "avalanche" in {name.split(".")[0] for name in imported_modules(path)}
        assert not uses_avalanche or (room, path.name) in AVALANCHE_ALLOWED, path


def test_every_room_is_covered_by_the_rule():
    found = {
        path.stem
        for path in ROOT.iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert found - {"__init__"} == set(MAY_IMPORT)


@pytest.mark.parametrize("room", sorted(PUBLIC_NAMES))
def test_public_names(room):
    module = importlib.import_module(f"avalanche_seg.{room}")
    assert set(module.__all__) == PUBLIC_NAMES[room]
    assert all(hasattr(module, name) for name in module.__all__)


def test_every_module_says_what_it_exports():
    for path in ROOT.rglob("*.py"):
        names = {
            target.id
            for node in ast.parse(path.read_text(encoding="utf-8")).body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        assert "__all__" in names or (path.parent == ROOT and path.stem == "__init__"), path
