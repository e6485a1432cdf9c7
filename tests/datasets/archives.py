"""Tiny stand-ins for the archives of VOC 2012 and SBD, and a server on this machine for them."""

import hashlib
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat
from torchvision.datasets import SBDataset, voc

from tests.devkits import write_image, write_list, write_mask

VOC_TRAIN = ["t1", "t2", "t3"]
VOC_VAL = ["v1", "v2"]
SBD_TRAIN = ["s1", "t1", "v1"]  # one of VOC's train and one of its val images
SBD_VAL = ["s2", "t2", "s3"]
SIZE = (4, 6)
VOC_ID, SBD_ID = 7, 12  # every pixel of a VOC mask, of an SBD mask


def _write_voc(folder: Path) -> None:
    for name in sorted({*VOC_TRAIN, *VOC_VAL, *SBD_TRAIN, *SBD_VAL}):
        write_image(folder / "JPEGImages" / f"{name}.jpg", SIZE)
    for name in (*VOC_TRAIN, *VOC_VAL):
        write_mask(folder / "SegmentationClass" / f"{name}.png", np.full(SIZE, VOC_ID))
    lists = {"train": VOC_TRAIN, "val": VOC_VAL, "trainval": VOC_TRAIN + VOC_VAL}
    for split, names in lists.items():
        write_list(folder / "ImageSets" / "Segmentation" / f"{split}.txt", names)


def _write_sbd(folder: Path) -> None:
    for name in (*SBD_TRAIN, *SBD_VAL):
        write_image(folder / "img" / f"{name}.jpg", SIZE)
        for kind, key in (("cls", "GTcls"), ("inst", "GTinst")):
            (folder / kind).mkdir(exist_ok=True)
            mask = np.full(SIZE, SBD_ID, dtype=np.uint8)
            savemat(folder / kind / f"{name}.mat", {key: {"Segmentation": mask}})
    write_list(folder / "train.txt", SBD_TRAIN)
    write_list(folder / "val.txt", SBD_VAL)


def write_archives(folder: Path) -> dict[str, Path]:
    """Write both archives and give their paths."""
    archives = {"voc": folder / "voc.tar", "sbd": folder / "benchmark.tgz"}
    _write_voc(folder / "voc" / "VOCdevkit" / "VOC2012")
    _write_sbd(folder / "sbd" / "benchmark_RELEASE" / "dataset")
    for name, path in archives.items():
        with tarfile.open(path, "w" if name == "voc" else "w:gz") as archive:
            for entry in sorted((folder / name).iterdir()):
                archive.add(entry, entry.name)
    return archives


class Server:
    """Hands out a folder's files; ``served`` lists the paths that were asked for."""

    def __init__(self, url: str, served: list[str]) -> None:
        self.url = url
        self.served = served


@contextmanager
def serve(folder: Path) -> Iterator[Server]:
    """Serve a folder on this machine's loopback."""
    served: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            served.append(self.path)
            super().do_GET()

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield Server(f"http://127.0.0.1:{server.server_port}", served)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def point_torchvision_at(
    server: Server, archives: dict[str, Path], patch: pytest.MonkeyPatch
) -> None:
    """Replace torchvision's addresses and checksums, and nothing else of it."""
    md5 = {name: hashlib.md5(path.read_bytes()).hexdigest() for name, path in archives.items()}
    entry = {**voc.DATASET_YEAR_DICT["2012"], "url": f"{server.url}/voc.tar", "md5": md5["voc"]}
    patch.setitem(voc.DATASET_YEAR_DICT, "2012", entry)
    patch.setattr(SBDataset, "url", f"{server.url}/benchmark.tgz")
    patch.setattr(SBDataset, "md5", md5["sbd"])
    patch.setenv("no_proxy", "127.0.0.1")


class RangeServer:
    """A server of one file.

    Attributes:
        url: of the file.
        ranges: what was asked for, request by request; None for all of it.
        drop_after: ends the connection after so many bytes; None sends all.
        knows_ranges: answers a request for a part with that part.
        tells_size: tells how much it sends.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.ranges: list[str | None] = []
        self.drop_after: int | None = None
        self.knows_ranges = True
        self.tells_size = True


@contextmanager
def serve_ranges(content: bytes, name: str = "file") -> Iterator[RangeServer]:
    """Serve one file, in parts where asked for, on this machine's loopback."""

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path != f"/{name}":
                self.send_error(404)
                return
            asked = self.headers.get("Range")
            known.ranges.append(asked)
            start = 0
            if asked and known.knows_ranges:
                start = int(asked.removeprefix("bytes=").removesuffix("-"))
            if start >= len(content):
                self.send_error(416)
                return
            self.send_response(206 if start else 200)
            if known.tells_size:
                self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            self.wfile.write(content[start : known.drop_after])

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    known = RangeServer(f"http://127.0.0.1:{server.server_port}/{name}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield known
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
