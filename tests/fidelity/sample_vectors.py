"""Chooses a small, representative part of recorded vectors, to be kept with the tests.

``python tests/fidelity/sample_vectors.py SOURCE TARGET --count N``: for every vector file below SOURCE a file below
TARGET with at least one vector of each combination of function, tags and gates (as far as N allows), then others
evenly spread. The same input gives the same bytes.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vectors import family_of, vector_files, vectors_in


def sample(vectors: list[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """``count`` of the vectors in their order: one for each tag, then for each kind, then any, evenly spread."""
    chosen: set[int] = set()
    for kinds in (_tags, _whole, None):
        candidates = _first_of_each(vectors, chosen, kinds) if kinds else range(len(vectors))
        chosen.update(_spread([index for index in candidates if index not in chosen], count - len(chosen)))
    return [vectors[index] for index in sorted(chosen)]


def _first_of_each(
    vectors: list[dict[str, Any]], chosen: set[int], kinds: Callable[[dict[str, Any]], list[str]]
) -> list[int]:
    """The vectors that bring a kind which none before them and none of the chosen has."""
    met = {kind for index in chosen for kind in kinds(vectors[index])}
    found = []
    for index, vector in enumerate(vectors):
        if not met.issuperset(kinds(vector)):
            met.update(kinds(vector))
            found.append(index)
    return found


def _spread(indexes: list[int], count: int) -> list[int]:
    """At most ``count`` of the indexes, at equal distances."""
    if len(indexes) <= count:
        return indexes
    return [indexes[number * len(indexes) // count] for number in range(count)]


def _tags(vector: dict[str, Any]) -> list[str]:
    """Every tag by itself."""
    return vector.get("tags", [])


def _whole(vector: dict[str, Any]) -> list[str]:
    """The combination of everything that says which kind a vector is."""
    return [json.dumps([vector.get("fn"), vector.get("tags"), vector["input"].get("gates")], sort_keys=True)]


def main() -> None:
    """Writes the samples."""
    parser = argparse.ArgumentParser(prog="sample_vectors.py", description="Keep a part of recorded vectors.")
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--count", type=int, default=200)
    options = parser.parse_args()
    for path in vector_files(options.source):
        kept = sample(list(vectors_in(path)), options.count)
        folder = options.target / family_of(path)
        folder.mkdir(parents=True, exist_ok=True)
        text = "".join(f"{json.dumps(vector, separators=(',', ':'))}\n" for vector in kept)
        (folder / path.name).write_bytes(gzip.compress(text.encode(), mtime=0))


if __name__ == "__main__":
    main()
