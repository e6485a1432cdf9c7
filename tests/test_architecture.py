"""The import rule between the subpackages, their faces, and the length of files."""

import ast
import importlib
from pathlib import Path

import pytest

import avalanche_seg

ROOT = Path(avalanche_seg.__file__).parent
# Each row imports only from the rows before it; those of one row do not import each other.
ROWS = [
    {"labels", "normalization", "system"},
    {"datasets", "kernels", "loading"},
    {"benchmarks", "models", "losses", "metrics"},
    {"loggers"},
    {"plugins"},
    {"training"},
    {"strategies"},
    {"cli"},
]
MAY_IMPORT = {name: set().union(*ROWS[:number]) for number, row in enumerate(ROWS) for name in row}
TORCH_ONLY = {"models", "losses", "kernels"}
AVALANCHE_ALLOWED = {("models", "incremental_head.py")}  # DynamicModule, the base of the head.
MOST_LINES = 250

PUBLIC_NAMES = {
    "system": {
        "FolderLock",
        "all_reduce_sum_",
        "any_rank",
        "atomic_write",
        "broadcast",
        "check_flags",
        "check_free_space",
        "check_number",
        "check_whole",
        "check_wholes",
        "collective_device",
        "expand_home",
        "file_lock",
        "folder_holder",
        "get_random_state",
        "is_main",
        "keep_freed_memory",
        "least_of_ranks",
        "peak_memory",
        "process_group",
        "rank",
        "remove_left_overs",
        "reset_peak_memory",
        "set_random_state",
        "shown",
        "sync_buffers",
        "world_size",
    },
    "datasets": {
        "Domains",
        "Extras",
        "ImageCache",
        "Item",
        "MaskStatistics",
        "PartitionRule",
        "READERS",
        "Sample",
        "SegmentationFiles",
        "Source",
        "Split",
        "SplitFacts",
        "UNREADABLE",
        "as_rgb",
        "channel_statistics",
        "UnlabelledIs",
        "check_palette",
        "colorize",
        "content_of",
        "download_ade20k",
        "download_voc",
        "find_folder",
        "from_coco",
        "from_dataset",
        "from_folders",
        "image_cache",
        "image_head",
        "image_of",
        "image_suffixes",
        "inspect_split",
        "is_map",
        "joined",
        "make_synthetic_voc",
        "mask_of",
        "mask_statistics",
        "read_ade20k",
        "read_bands",
        "read_cityscapes",
        "read_cityscapes_domains",
        "read_extra",
        "read_files",
        "read_folder",
        "read_image",
        "read_label_map",
        "read_synthetic",
        "read_voc",
        "reader_help",
        "voc_palette",
        "with_extra_maps",
    },
    "kernels": {
        "AnnotatedTerms",
        "EXP_SAFE_BOUND",
        "GuidedTerms",
        "Kernels",
        "LabelSigmoid",
        "PixelTerms",
        "PredictionEntropy",
        "SoftmaxTerms",
        "TeacherSigmoid",
        "Workspace",
        "check_kernels",
        "compute_dtype",
        "count_values",
        "convolve_resized",
        "exp_",
        "labelled_tiles",
        "pixel_losses",
        "plain_pooled_norms",
        "pooled_norms",
        "predicted_labels",
        "prediction_entropy",
        "resize_logits",
        "score_bound",
        "use_kernels",
    },
    "loading": {
        "batch_extras",
        "collate",
        "eval_loader",
        "loader_options",
        "seeded_loader",
        "split_batch",
        "to_device",
        "train_loader",
    },
    "benchmarks": {
        "ADE20KIncremental",
        "BenchmarkOptions",
        "DataReport",
        "CityscapesDomains",
        "CityscapesIncremental",
        "DOMAIN_SPLITS",
        "DomainSplit",
        "DomainTask",
        "ExperienceData",
        "Finding",
        "FolderIncremental",
        "OLD_LABELS",
        "OldLabels",
        "SETTINGS",
        "SegmentationExperience",
        "SegmentationScenario",
        "SegmentationStream",
        "Setting",
        "Severity",
        "StepCounts",
        "TEST_UNSEEN",
        "TRAIN_VOID",
        "TestUnseen",
        "TrainVoid",
        "VOCIncremental",
        "check_data",
        "domain_incremental_benchmark",
        "eval_preset",
        "incremental_benchmark",
        "model_input",
        "split_classes",
        "train_preset",
        "usual_tasks",
        "with_full_signature",
    },
    "models": {
        "AdaptedModel",
        "BACKBONES",
        "BackgroundChannel",
        "BiSeNet",
        "CleanFeatures",
        "DeepLabV3",
        "DenseFeatures",
        "HEADS",
        "HeadFactory",
        "HeadGroup",
        "IncrementalHead",
        "MODELS",
        "SegmentationModel",
        "SegmentationOutput",
        "as_incremental",
        "as_output",
        "background_row",
        "balanced_classifier_init",
        "balanced_init",
        "clean_features",
        "create_model",
        "evaluating",
        "extra_classifier_init",
        "fold_batch_norms",
        "fuse_weights",
        "known_models",
        "load_model",
        "model_factory",
        "name_of",
        "save_model",
        "score_function",
    },
    "losses": {
        "AnnotatedClassification",
        "AnnotatedCrossEntropy",
        "AtTargetSize",
        "AuxiliaryClassification",
        "BinaryCrossEntropy",
        "ChannelClassification",
        "Classification",
        "Criterion",
        "CriterionObjective",
        "CrossEntropy",
        "DecomposedTerm",
        "DenseOutput",
        "Distillation",
        "DistillationTerm",
        "ExtraChannels",
        "FeatureDistillation",
        "FeatureDistillationTerm",
        "ICaRLDistillation",
        "ICaRLDistillationTerm",
        "LabelGuidedDistillationTerm",
        "LocalPODTerm",
        "MiBLoss",
        "Objective",
        "OldClassesTerm",
        "PseudoLabels",
        "REDUCTIONS",
        "Reduction",
        "StepBatch",
        "TeacherTerm",
        "ThresholdRule",
        "UnbiasedCrossEntropy",
        "UnbiasedDistillation",
        "UnbiasedDistillationTerm",
        "annotated_cross_entropy",
        "at_target_size",
        "auxiliary_binary_cross_entropy",
        "binary_cross_entropy",
        "class_thresholds",
        "combine",
        "complete_labels",
        "confident_channels",
        "count_scores",
        "criterion_of_step",
        "cross_entropy",
        "distillation",
        "entropy_score",
        "feature_distillation",
        "icarl_distillation",
        "label_guided_distillation",
        "local_pod",
        "merge_new_channels",
        "mib_loss",
        "pseudo_labels",
        "reads_classes",
        "score_histograms",
        "unbiased_cross_entropy",
        "unbiased_distillation",
        "unknown_channels",
        "weighted_reduction",
    },
    "metrics": {
        "BoundaryIoU",
        "ConfusionMatrix",
        "ConfusionMatrixFigure",
        "DomainIoU",
        "EvalBatch",
        "LossTerms",
        "METRICS",
        "MeanIoU",
        "RunReport",
        "SamplePredictions",
        "StepMetric",
        "StepReport",
        "class_accuracy",
        "class_groups",
        "class_iou",
        "confusion_matrix",
        "forgetting",
        "loss_term_metrics",
        "mean_iou_metrics",
        "mean_loss_metrics",
        "optional_picture",
        "pixel_accuracy",
        "protocol_means",
        "render",
        "shown_name",
    },
    "loggers": {
        "MetricsCSVLogger",
        "MetricsWandBLogger",
        "import_wandb",
        "text_cell",
    },
    "plugins": {
        "Annotates",
        "ArithmeticLog",
        "BalancedInitPlugin",
        "CheckpointPlugin",
        "ClassExemplarsBuffer",
        "DecomposedDistillationPlugin",
        "DistillationPlugin",
        "EWCPlugin",
        "EpochsPlugin",
        "Exemplar",
        "ExemplarMemory",
        "ExtraInitPlugin",
        "FeatureDistillationPlugin",
        "FreezePlugin",
        "ICaRLDistillationPlugin",
        "ImageMemory",
        "ImageReplayPlugin",
        "ImportancePlugin",
        "LabelMode",
        "LocalPODPlugin",
        "MemoryLabels",
        "MemoryPolicy",
        "ObjectivePlugin",
        "PIPlugin",
        "PeriodicEvalPlugin",
        "PevalMode",
        "PolyLRPlugin",
        "ProgressPlugin",
        "PseudoLabelPlugin",
        "RWPlugin",
        "ReplayPlugin",
        "SMiBPlugin",
        "SchedulePlugin",
        "SegmentationPlugin",
        "Selection",
        "SharedForwardPlugin",
        "SharedTeacher",
        "StepLRPlugin",
        "TargetPlugin",
        "Teacher",
        "TeacherPlugin",
        "TeacherTermPlugin",
        "UnbiasedDistillationPlugin",
        "UnknownLabelPlugin",
        "WeightEditPlugin",
        "WeightFusionPlugin",
        "check_channels",
        "grow",
        "on_device",
        "read_state",
        "record_term",
        "stateful_plugins",
        "step_batch",
        "write_state",
    },
    "training": {
        "AMP_MODES",
        "AmpMode",
        "OptimizerFactory",
        "RoleOptions",
        "SegmentationTemplate",
        "TemplateOptions",
        "check_channels_of",
        "default_evaluator",
        "own_plugins",
        "resolve_amp",
        "role_groups",
        "sgd",
        "with_roles",
    },
    "cli": {
        "recipe",
    },
    "strategies": {
        "DFT",
        "DKD",
        "DKDM",
        "EWC",
        "EWF",
        "EWFPLOP",
        "FineTuning",
        "ILT",
        "Joint",
        "LGKD",
        "LwF",
        "LwFMC",
        "MiB",
        "PI",
        "PLOP",
        "RW",
        "SMiB",
        "SSUL",
        "SSULM",
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


def modules_of(name):
    single = ROOT / f"{name}.py"
    return [single] if single.exists() else sorted((ROOT / name).rglob("*.py"))


@pytest.mark.parametrize("name", sorted(MAY_IMPORT))
def test_subpackages_import_only_from_rows_before_them(name):
    allowed = MAY_IMPORT[name] | {name}
    for path in modules_of(name):
        for module in imported_modules(path):
            parts = module.split(".")
            assert parts[0] not in {"experiments", "profiling"}, f"{path} imports {module}"
            if parts[0] == "avalanche_seg":
                # The package itself holds the version and, lazily, everything.
                assert len(parts) == 1 or parts[1] in allowed, f"{path} imports {module}"


@pytest.mark.parametrize("name", sorted(MAY_IMPORT))
def test_names_of_other_subpackages_come_through_their_face(name):
    for path in modules_of(name):
        for module in imported_modules(path):
            parts = module.split(".")
            if parts[0] == "avalanche_seg" and len(parts) > 2:
                assert parts[1] == name, f"{path} imports {module}; expected its __init__"


@pytest.mark.parametrize("name", sorted(TORCH_ONLY))
def test_models_losses_and_kernels_need_torch_only(name):
    for path in modules_of(name):
        uses_avalanche = "avalanche" in {module.split(".")[0] for module in imported_modules(path)}
        assert not uses_avalanche or (name, path.name) in AVALANCHE_ALLOWED, path


def test_every_subpackage_is_covered_by_the_rule():
    found = {
        path.stem
        for path in ROOT.iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert found - {"__init__"} == set(MAY_IMPORT)


def test_no_file_is_long():
    long = {
        str(path.relative_to(ROOT)): n
        for path in ROOT.rglob("*.py")
        if (n := len(path.read_text(encoding="utf-8").splitlines())) > MOST_LINES
    }
    assert not long


@pytest.mark.parametrize("name", sorted(PUBLIC_NAMES))
def test_public_names(name):
    module = importlib.import_module(f"avalanche_seg.{name}")
    assert set(module.__all__) == PUBLIC_NAMES[name]
    assert all(hasattr(module, exported) for exported in module.__all__)


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
