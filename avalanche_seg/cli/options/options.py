"""The settings of a run, each with the flag that sets it: the one place where an option is added.

Parser, checks, ``--help``, the comparison on resuming and the command in a report are made from
the fields below (see :mod:`avalanche_seg.cli.options.fields`); defaults that depend on other
options are in :mod:`avalanche_seg.cli.options.resolve`.
"""

from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Literal

from avalanche_seg.benchmarks import DomainSplit, OldLabels, Setting, TrainVoid
from avalanche_seg.cli.options.fields import (
    Range,
    option,
    read_model,
    read_range,
    read_values,
    specs,
)
from avalanche_seg.cli.options.methods import MEMORY, METHODS
from avalanche_seg.cli.options.own_data import OWN_DATA
from avalanche_seg.cli.recipes import RECIPES
from avalanche_seg.cli.running.loggers import LOGGERS, read_names
from avalanche_seg.datasets import READERS, reader_help
from avalanche_seg.kernels import Kernels
from avalanche_seg.metrics import METRICS
from avalanche_seg.models import BACKBONES, known_models
from avalanche_seg.plugins import LabelMode, MemoryPolicy, Selection
from avalanche_seg.training import AmpMode

__all__ = ["NOT_DETERMINING", "SPECS", "Options"]

ImageChoice = Literal[Setting, DomainSplit]
"""Which images a step sees, where steps are classes or domains."""

_data = partial(option, group="data")
_method = partial(option, group="method")
_exemplars = partial(option, group="exemplars")
_training = partial(option, group="training")
_model = partial(option, group="model")
_steps = partial(option, group="steps, resuming, testing", determines=False)
_speed = partial(option, group="speed and memory")
_output = partial(option, group="output", determines=False)


# fmt: off
# ruff: noqa: RUF009 - the calls make fields.
@dataclass(frozen=True, kw_only=True)
class Options:
    """A run's settings, complete: what config.json holds."""

    # What sets the defaults of other options comes before them: commands in reports are short then.
    data_root: str = _data("folder of the data set", determines=False, in_command=True,
        is_path=True, default_text="data for voc, else data/DATASET")
    dataset: str = _data(
        "; ".join(f"{name}: {told[0].lower()}{told[1:-1]}" for name, told in reader_help().items())
        + "".join(f"; {name}: {told}" for name, told in OWN_DATA.items()),
        choices=(*READERS, *OWN_DATA), synonyms={"ade": "ade20k"},
        default_text="folders or coco with IMAGES, folder when "
        "DATA_ROOT holds a classes.txt, voc when there is another DATA_ROOT or the folder data "
        "holds VOC, else synthetic")
    images: str | None = _data("folder of one's own images; of coco also TRAIN,TEST", is_path=True,
        determines=False, in_command=True, default_text="none")
    masks: str | None = _data("folder of their masks; of coco a JSON file, or TRAIN,TEST",
        is_path=True, determines=False, in_command=True, default_text="none")
    split: str | None = _data("share of the images to test on, or TRAIN,TEST: folders below both, "
        "or list files", determines=False, in_command=True,
        default_text="train,val for folders, 0.2 for one JSON file")
    classes: str | None = _data("file with a class name per line, for folders", is_path=True,
        determines=False, in_command=True, default_text="numbered")
    recipe: str | None = _method("set the published hyper-parameters; flags that are given win",
        choices=tuple(RECIPES), default_text="none", determines=False, in_command=True)
    task: str = _data("19-1, 15-5, 15-5s, 10-1, ... or offline", default="15-5",
        default_text="15-5; 100-50 for ade20k, 13-6 for cityscapes, 11-5 for cityscapes_domains")
    setting: ImageChoice = _data("which images a step sees, JOINT sees all; where steps are "
        "domains, which images of a domain are for tests: files, clean or legacy",
        default="disjoint", default_text="disjoint; clean for cityscapes_domains",
        shortcuts=dict.fromkeys(("--overlap", "--overlapped"), ("overlapped", "overlapped")))
    partition: str | None = _data("with --setting partitioned, one of the data set's partitions",
        default_text="that of the task's name, or else a seeded draw")
    method: str = _method("fine-tuning, a method, or all classes at once", choices=tuple(METHODS),
        default="MiB")
    use_exemplars: bool = _exemplars(
        "add replay of exemplars to the method; with MiB it runs SMiB, as in the original",
        methods=tuple(method for method in METHODS if method != "JOINT"),
        determines=False, in_command=True)  # The number below tells it.
    exemplars: int | None = _exemplars("exemplars per class", flag="--exemplars_size",
        within=Range(0), default_text="5")
    exemplars_selection: Selection | None = _exemplars("how they are chosen",
        default_text="random")
    exemplars_labels: LabelMode | None = _exemplars(
        "what they show: every class seen so far, or those of their step", default_text="visible")
    exemplars_update: MemoryPolicy | None = _exemplars(
        "after a step, add those of its classes, or draw all anew", default_text="extend")
    exemplars_share: float | None = _exemplars("share of every batch that is exemplars",
        within=Range(0, 1, open=True), default_text="none, the union is shuffled")
    strict: bool = _exemplars(
        "never show an old label in a new image, with the generalised unbiased cross entropy",
        methods=("SMiB",), default_text="off, as published")
    method_options: dict[str, Any]
    old_labels: OldLabels = _data("whether new images show the classes of earlier steps",
        shortcuts={"--no_mask": ("visible", "visible")},
        default_text="visible with exemplars, as SMiB's published numbers, else hidden")
    in_channels: int | None = _data("channels of the images, which every file must have; the "
        "network's mean and deviation are then those of step 0", within=Range(1),
        default_text="3, RGB whatever the files hold")
    value_range: tuple[float, ...] | None = _data("values of the image files that become black and "
        "white, such as 0 10000 of reflectances or -1000 1000 of a CT scan", metavar="NUMBER",
        read=read_range, default_text="all of 8 or 16 bits")
    train_void: TrainVoid = _data("what void pixels are in training: background, or no label",
        default_text="as the method was published")
    saliency: str | None = _data("folder with a saliency map, an 8-bit image of its name and size, "
        "for every training image", is_path=True, methods=("SSUL", "SSUL-M"),
        default_text="none, all background is unknown")
    cross_val: bool = _data("hold a fifth of every step's training images out, and validate on "
        "them at --val_interval", default_text="validate on the test set")
    full_resolution: bool = _data("test at full resolution, one image at a time; --crop_val is "
        "the original's spelling", aliases=("--crop_val",), default_text="on central crops")
    cache_images: bool = _data("decode every image once, into a file in AVALANCHE_SEG_CACHE, for "
        "later runs too; the run is the same", determines=False,
        default_text="decode whenever an image is loaded")

    epochs: int = _training("epochs per step", default=30, demo=6, within=Range(1))
    epochs_later: int = _training("epochs of the later steps", within=Range(1),
        default_text="those of --epochs")
    batch_size: int = _training("images per batch, over all processes", default=24, demo=4,
        within=Range(2))
    crop_size: int = _training("side of the training and test crops in pixels", default=512,
        demo=96, within=Range(32))
    lr: float = _training("learning rate of step 0; with --step, of that step", default=0.01,
        demo=0.05, within=Range(0, open=True))
    lr_later: float = _training("learning rate of the later steps", within=Range(0, open=True),
        default_text="a tenth of --lr")
    momentum: float = _training("of SGD, Nesterov's", default=0.9, within=Range(0.0))
    weight_decay: float = _training("of SGD", default=1e-4, within=Range(0.0))
    lr_policy: Literal["poly", "step"] = _training("schedule within a step", default="poly")
    lr_power: float = _training("exponent of poly", default=0.9, within=Range(0.0))
    lr_warmup: float = _training("share of a step's iterations over which the rate of poly rises",
        default=0.0, within=Range(0, 1))
    lr_floor: float = _training("least rate of poly", default=0.0, within=Range(0.0))
    lr_decay_step: int = _training("iterations between two decays of step", default=5000,
        within=Range(1))
    lr_decay_factor: float = _training("factor of step", default=0.1, within=Range(0.0))
    random_seed: int = _training("seed of every random choice", default=42,
        within=Range(0, 2**32 - 1))

    model: str = _model(f"the network: {', '.join(known_models())}, or another of these libraries",
        metavar="NAME", read=read_model, default="bisenet")
    model_args: dict[str, Any] = _model(
        "further arguments of the network, plain values", metavar="KEY=VALUE", read=read_values,
        default={}, default_text="none")
    backbone: str = _model("ResNet of the network", choices=tuple(BACKBONES),
        default="resnet50", demo="resnet18")
    weights: str | None = _model("'imagenet', or the path of a state dict of torchvision's "
        "backbone, or of its DeepLabV3", is_path=True, default="imagenet",
        default_text="imagenet; random weights on synthetic",
        shortcuts={"--no_pretrained": (None, "random weights")})
    sync_bn: bool = _model("batch norm over the images of all processes (GPUs only)")
    fix_bn: bool = _model("keep batch norm's statistics")
    fix_bn_later: bool = _model("keep batch norm's statistics after step 0")
    fix_bn_affine: bool = _model("keep batch norm's weights and biases, and let its statistics "
        "move: the original's --fix_bn")
    freeze: bool = _model("after step 0 train the classifiers alone")
    freeze_body: bool = _model("after step 0 train all but the backbone: the original's --freeze")

    step: int | None = _steps("run this step alone", within=Range(0), default_text="all, in one go")
    step_ckpt: str | None = _steps("model to start --step from; without --step that of step 0, "
        "from which all later steps are trained in one go", is_path=True,
        default_text="LOGDIR/NAME/models/stepK.safetensors of the step before")
    resume: bool = _steps("go on with the run of this name after its last finished epoch, to the "
        "same weights bit for bit; a run that was not begun is begun")
    test: bool = _steps("train nothing, test the saved models of the run")
    ckpt: str | None = _steps("with --test: the one model to test", is_path=True,
        default_text="all of the run's")
    val_interval: int | None = _steps("epochs between two evaluations while a step trains",
        within=Range(1), default_text="never")
    ckpt_iterations: int | None = _steps("save the state within epochs too, every so many "
        "iterations", within=Range(1), default_text="every epoch")

    device: str = _speed("cpu, cuda, cuda:1, ...", default="auto",
        default_text="cuda if there is one", determines=False)
    num_workers: int = _speed("processes that load data", default=0, within=Range(0),
        determines=False)
    amp: AmpMode = _speed("mixed precision of the networks; auto: bf16 on a GPU or processor "
        "that computes in it, fp16 on an older GPU, else off, as emulation is slower; "
        "--opt_level O0 or O1 is the original's spelling of off or fp16", default="off",
        aliases=("--opt_level",), synonyms={"O0": "off", "O1": "fp16"})
    channels_last: bool = _speed("keep images and weights channels last", default=True)
    compile: bool = _speed("compile the network with torch.compile, which needs a C++ compiler on "
        "the CPU")
    kernels: Kernels = _speed("what computes the losses: triton, one kernel for GPUs, or tiles; "
        "auto: the quicker one that there is", default="auto")
    micro_batches: int = _speed("compute every batch in so many parts, for less memory",
        default=1, within=Range(1))

    logdir: str = _output("folder of all runs", is_path=True, default="runs")
    name: str | None = _output("folder of this run, which must not exist unless --step, --resume "
        "or --test is given; a/b lies in a folder a of LOGDIR",
        default_text="METHOD_TASK_SETTING_DATASET_sSEED, numbered when it exists")
    print_interval: int = _output("iterations between two readings of the loss", default=10,
        within=Range(1))
    sample_num: int = _output("predictions drawn after a step", default=6, within=Range(0))
    metrics: tuple[str, ...] = _output("further measures after every step", choices=tuple(METRICS),
        default=(), default_text="none")
    loggers: tuple[str, ...] = _output(
        f"where numbers and pictures go: {', '.join(LOGGERS)}, or none; with commas or spaces "
        "between. wandb is offline unless WANDB_API_KEY or WANDB_MODE is set", metavar="NAME",
        read=read_names, default=("tensorboard", "csv"), default_text="tensorboard,csv")
    debug: bool = _output("show the traceback of an error")
    notes: list[str]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    def memory_arguments(self) -> dict[str, Any]:
        """The arguments of the memory of exemplars and its plugin, those that were given."""
        values = {argument: getattr(self, name) for name, argument in MEMORY.items()}
        return {name: value for name, value in values.items() if value not in (None, False)}

    def determining(self) -> dict[str, Any]:
        """The settings that a run's weights depend on: what resuming must not change."""
        return {name: v for name, v in self.as_dict().items() if name not in NOT_DETERMINING}
# fmt: on


SPECS = specs(Options)
"""The options by name."""
NOT_DETERMINING = frozenset({"notes", *(n for n, spec in SPECS.items() if not spec.determines)})
"""Settings that no weight depends on; the data are compared by their fingerprint."""
