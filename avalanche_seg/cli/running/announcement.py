"""What a run says of itself before it trains."""

from pathlib import Path

from avalanche_seg.benchmarks import SegmentationScenario
from avalanche_seg.cli.options.options import Options

__all__ = ["announcement"]


def announcement(
    options: Options, benchmark: SegmentationScenario, device: str, folder: Path
) -> str:
    """Method, data, network and schedule of a run, and where it writes."""
    train = ", ".join(str(len(experience.dataset)) for experience in benchmark.train_stream)
    test = ", ".join(str(len(experience.dataset)) for experience in benchmark.test_stream)
    epochs = str(options.epochs)
    if options.epochs_later != options.epochs:
        epochs += f" then {options.epochs_later}"
    replay = "" if options.exemplars is None else f", {options.exemplars} exemplars per class"
    classes = f"{benchmark.n_classes} classes"
    if benchmark.label_space.has_background:
        classes = f"{benchmark.n_classes - 1} classes and the background"
    labels = "" if benchmark.domains else f", old labels {options.old_labels}"
    return (
        f"{options.method}{replay} on {options.dataset} {options.task}, {options.setting}{labels}: "
        f"{classes}\n"
        f"images by step: train {train}; test {test}\n"
        f"{options.model} {options.backbone} from {options.weights or 'random weights'}, {device}; "
        f"{epochs} epochs of batches of {options.batch_size}, crop {options.crop_size}, amp "
        f"{options.amp}, lr {options.lr:g} then {options.lr_later:g}, seed {options.random_seed}\n"
        f"writing to {folder}"
    )
