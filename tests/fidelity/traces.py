"""How much of what real clusters did is reproduced: prints the table, and writes ``docs/fidelity.md`` when asked.

    python -m tests.fidelity.traces [FOLDER] [--vectors FOLDER] [--write] [--jobs N]

FOLDER holds a folder of recordings for each configuration, ``scenarios/`` and ``configs.json``. Without it, the corpus
beside the checkout is taken where there is one, else the small sample in ``tests/data/recordings``.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from kubesim.commands.conform import simulate
from kubesim.fidelity.conform import Result, conform
from kubesim.fidelity.report import fidelity_page, result_lines, summary_lines

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CORPUS = ROOT.parent / "shared"
SAMPLE = HERE.parent / "data"
PAGE = ROOT / "docs" / "fidelity.md"


def corpus(name: str, sample: str) -> Path:
    """The folder of that name in the corpus beside the checkout, else the sample in the tests' own data."""
    whole = CORPUS / name
    return whole if whole.is_dir() else SAMPLE / sample


def recordings(folder: Path) -> list[Path]:
    """The recordings of all configurations, without repetitions."""
    configs = sorted(path for path in folder.iterdir() if path.is_dir() and path.name != "scenarios")
    return [path for config in configs for path in sorted(config.glob("*.json*")) if path.suffix in (".json", ".gz")]


def vector_shares(folder: Path) -> dict[str, tuple[int, int]]:
    """``family release`` -> how many vectors are answered alike, of how many."""
    from tests.fidelity.vectors import differences, family_of, vector_files, version_of

    shares: dict[str, tuple[int, int]] = {}
    for path in vector_files(folder):
        total, found = differences(path)
        shares[f"{family_of(path)} {version_of(path)}"] = (total - len(found), total)
    return shares


def main(arguments: list[str] | None = None) -> int:
    """Prints the shares reproduced; always 0: what falls short is listed in the page, not hidden by an exit status."""
    parser = argparse.ArgumentParser(prog="traces.py", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=corpus("traces", "recordings"))
    parser.add_argument("--vectors", type=Path, default=corpus("vectors", "vectors"))
    parser.add_argument("--write", action="store_true", help="write docs/fidelity.md")
    parser.add_argument("--misses", action="store_true", help="print each recording that is not reproduced")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args(arguments)
    found = recordings(options.folder)
    if not found:
        parser.error(f"no recordings in {options.folder}")
    results: list[Result] = conform(found, simulate, scenarios=options.folder / "scenarios", jobs=options.jobs)
    if options.misses:
        for result in results:
            if not result.reproduced:
                print("\n".join(result_lines(result)))
    print("\n".join(summary_lines(results)))
    if options.write:
        PAGE.write_text(fidelity_page(results, vector_shares(options.vectors)), encoding="utf-8")
        print(f"wrote {PAGE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
