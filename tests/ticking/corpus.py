"""The manifests of the recordings, each on four releases, with skipping and with everything ticking.

    python -m tests.ticking.corpus [FOLDER]

FOLDER holds ``scenarios/``; without it, the corpus beside the checkout is taken where there is one, else the sample in
``tests/data/recordings``. Prints where the two part, and ends with 1 if they do anywhere.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from kubesim import api
from kubesim.commands.inputs import read_scenario
from kubesim.errors import KubesimError
from kubesim.scenario.load import Scenario
from kubesim.units import MINUTE, SECOND, Duration
from tests.ticking.world import first_difference

ROOT: Final = Path(__file__).resolve().parents[2]
SAMPLE: Final = ROOT / "tests" / "data" / "recordings"
WHOLE: Final = ROOT.parent / "shared" / "traces"
RELEASES: Final = ("1.28", "1.29", "1.33", "1.36")
LONGEST: Final[Duration] = 20 * MINUTE
BEYOND: Final[Duration] = 100 * SECOND
"""How long a run is followed after nothing was left to happen: more than the longest time between two resyncs."""


def manifests(folder: Path) -> list[Path]:
    """The manifests of a corpus of recordings."""
    return sorted(folder.glob("scenarios/*.yaml"))


def as_it_was_recorded(manifest: Path, release: str) -> Scenario:
    """A manifest with the actions beside it."""
    actions = manifest.with_suffix(".actions.json")
    return read_scenario([str(manifest)], actions=str(actions) if actions.exists() else None).on(release, None)


def length(scenario: Scenario) -> Duration:
    """How long a run is followed: beyond its own end, but not for ever."""
    history = api.run(scenario)
    return min(history.ended - history.started, LONGEST) + BEYOND


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else WHOLE if WHOLE.is_dir() else SAMPLE
    runs = parted = 0
    for path in manifests(folder):
        for release in RELEASES:
            try:
                scenario = as_it_was_recorded(path, release)
                difference = first_difference(scenario, length(scenario))
            except KubesimError as refused:
                print(f"{path.stem} {release}: refused, {refused}")
                continue
            runs += 1
            parted += bool(difference)
            if difference:
                print(f"{path.stem} {release}:{difference}")
    print(f"{runs} runs, {parted} of which part from ticking")
    sys.exit(1 if parted else 0)


if __name__ == "__main__":
    main()
