"""The data of a run, file by file, so that going on with other data can be refused by name."""

import hashlib
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from avalanche_seg.benchmarks import SegmentationScenario
from avalanche_seg.datasets import Item, content_of
from avalanche_seg.system import broadcast, is_main

__all__ = ["DataRecord", "data_changes", "fingerprint", "record_data"]

DataRecord = dict[str, list[list[str]]]
"""By kind of file, such as "train images", the name and the digest of every file in order."""


def record_data(benchmark: SegmentationScenario) -> DataRecord:
    """The names and contents of all files of a benchmark, wherever they lie.

    Of several processes the main one reads them.

    Raises:
        ValueError: naming a file that cannot be read.
    """
    return broadcast(_record(benchmark) if is_main() else None)


def fingerprint(record: DataRecord) -> str:
    """One digest of everything that was recorded.

    Example:
        >>> fingerprint({"train images": [["a.jpg", "00"]]})
        '13aab39be616503a'
    """
    digest = hashlib.sha256()
    for kind, files in record.items():
        digest.update("\n".join((kind, *map(" ".join, files), "")).encode())
    return digest.hexdigest()[:16]


def data_changes(before: Mapping[str, Any], now: DataRecord) -> str:
    """What differs between the recorded data of two times, in words; empty for nothing.

    Example:
        >>> before = {"train masks": [["a.png", "00"], ["b.png", "11"]]}
        >>> data_changes(before, {"train masks": [["a.png", "22"], ["c.png", "11"]]})
        'train masks: 1 of 2 changed, such as a.png; 1 new, such as c.png; 1 gone, such as b.png'
    """
    told = []
    for kind in dict.fromkeys((*before, *now)):
        earlier, current = _by_place(before.get(kind, [])), _by_place(now.get(kind, []))
        shared = [place for place in current if place in earlier]
        changed = [place for place in shared if current[place] != earlier[place]]
        parts = [
            _some(changed, f"of {len(current)} changed"),
            _some([place for place in current if place not in earlier], "new"),
            _some([place for place in earlier if place not in current], "gone"),
        ]
        if not any(parts) and before.get(kind, []) != now.get(kind, []):
            parts = ["listed in another order"]
        if any(parts):
            told.append(f"{kind}: {'; '.join(part for part in parts if part)}")
    return "; ".join(told)


def _record(benchmark: SegmentationScenario) -> DataRecord:
    record: DataRecord = {}
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for kind, files in _files(benchmark):
            digests = pool.map(_digest, files)
            record[kind] = [
                [item.name, digest] for item, digest in zip(files, digests, strict=True)
            ]
    values = benchmark.train_stream[0].data.split.values
    meant = {} if values is None else values.given()
    if meant:
        record["meanings of mask values"] = [[str(v), str(meant[v])] for v in sorted(meant)]
    return record


def _files(benchmark: SegmentationScenario) -> Iterator[tuple[str, tuple[Item, ...]]]:
    for name, stream in (("train", benchmark.train_stream), ("test", benchmark.test_stream)):
        split = stream[0].data.split
        yield f"{name} images", split.images
        yield f"{name} masks", split.masks
        for extra in sorted(split.extras):
            yield f"{name} {extra}", split.extras[extra]


def _digest(item: Item) -> str:
    return hashlib.blake2b(content_of(item, "file"), digest_size=8).hexdigest()


def _by_place(files: list[list[str]]) -> dict[tuple[str, int], str]:
    """Digests by name; files of equal names, from several folders, are counted."""
    found: dict[tuple[str, int], str] = {}
    times: dict[str, int] = {}
    for name, digest in files:
        times[name] = times.get(name, 0) + 1
        found[name, times[name]] = digest
    return found


def _some(places: list[tuple[str, int]], what: str) -> str:
    return f"{len(places)} {what}, such as {places[0][0]}" if places else ""
