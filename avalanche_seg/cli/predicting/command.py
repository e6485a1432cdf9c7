"""Label images by a saved model: ``avalanche-seg predict --help``."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from avalanche_seg.cli.failures import exit_code_of
from avalanche_seg.cli.options.parser import normalize_flags
from avalanche_seg.cli.predicting.images import find_images, name_results
from avalanche_seg.cli.predicting.loop import predict
from avalanche_seg.cli.running.assembly import pick_device
from avalanche_seg.cli.running.feasible import check_memory
from avalanche_seg.models import load_model
from avalanche_seg.system import expand_home

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        the exit code: 2 for bad input and when some image could not be read, 130 after an
        interruption.
    """
    given = _parser().parse_args(normalize_flags(sys.argv[1:] if argv is None else argv))
    try:
        _check(given)
        device = pick_device(given.device)
        images = find_images(given.images)
        names = name_results(images)
        _keep_inputs(images, names, given.output)
        model = load_model(given.ckpt, device=device)
        failed = predict(
            model,
            images,
            names,
            given.output,
            batch_size=given.batch_size,
            size=given.size,
            opacity=given.opacity,
        )
    except (Exception, KeyboardInterrupt) as error:
        return exit_code_of(error, less_memory="a smaller --batch_size or --size")
    print(f"{len(images) - len(failed)} of {len(images)} images: {given.output}")
    for unread in failed:
        print(f"error: {unread}", file=sys.stderr)
    return 2 if failed else 0


def _keep_inputs(images: Sequence[Path], names: Sequence[str], folder: Path) -> None:
    inputs = {path.resolve() for path in images}
    for name in names:
        for written in (folder / f"{name}.png", folder / f"{name}_overlay.jpg"):
            if written.resolve() in inputs:
                raise ValueError(
                    f"{written} is one of the images and would be overwritten; pass another "
                    "--output"
                )


def _check(given: argparse.Namespace) -> None:
    for name in ("batch_size", "size"):
        value = getattr(given, name)
        if value is not None and value < 1:
            raise ValueError(f"--{name} {value}; expected one or more")
    if given.size is not None:
        check_memory(given.batch_size, given.size, "lower --size or --batch_size")
    if not 0 <= given.opacity <= 1:
        raise ValueError(f"--opacity {given.opacity}; expected 0 to 1")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="avalanche-seg predict",
        description="Label images by a saved model. Writes for every image NAME.png, a palette "
        "image of its size (upright) whose pixels are channels, and NAME_overlay.jpg, the image "
        "under the classes' colours with a legend; and classes.txt, the name of channel n in line "
        "n, counted from 0.",
        epilog="Flags may be spelled with - or _.",
        allow_abbrev=False,
    )
    parser.add_argument("images", nargs="+", type=expand_home, help="images, or folders of images")
    parser.add_argument(
        "--ckpt", required=True, type=expand_home, help="a run's models/stepK.safetensors"
    )
    parser.add_argument(
        "--output",
        type=expand_home,
        default=Path("predictions"),
        help="folder to write to (default: predictions)",
    )
    parser.add_argument(
        "--batch_size",
        type=int,
        default=1,
        help="images of the same size to compute together; more is faster on a GPU (default: 1)",
    )
    parser.add_argument(
        "--size",
        type=int,
        help="shorter side of the images in the network, in pixels; the results keep the images' "
        "size (default: as the image)",
    )
    parser.add_argument(
        "--device", default="auto", help="cpu, cuda, cuda:1, ... (default: cuda if there is one)"
    )
    parser.add_argument(
        "--opacity", type=float, default=0.5, help="of the overlay's colours, 0 to 1 (default: 0.5)"
    )
    return parser
