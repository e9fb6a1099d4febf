"""Draw every shipped scenario: ``docs/gallery.md`` with a picture of each in ``docs/gallery/``.

Neither is kept in the repository: pictures change whenever a behaviour or a latency does, so kept ones would be stale
or noise, and made anew when the documentation is built they can be neither. One picture is kept, for the README
(``docs/images``); it is made here, too, and a test holds its words against a new run.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final

from kubesim import api
from kubesim.errors import ReleaseError
from kubesim.history.history import History
from kubesim.scenario.load import Scenario
from kubesim.timelines.compare import what_differs
from kubesim.timelines.plot import plot, save

ROOT: Final = Path(__file__).parent.parent
SCENARIOS: Final = ROOT / "scenarios"
OLDEST: Final = "1.28"
USUAL: Final = "1.29"
MOST_PODS: Final = 60
EXAMPLE: Final = "grace-runs-out.svg"
HEADINGS: Final = {"": "Pods", "jobs": "Jobs", "faults": "Faults", "questions": "Questions"}
INTRODUCTION: Final = f"""# Gallery

Every scenario of the repository, on {OLDEST} and on the release that it names, or {USUAL}. Where containers live
otherwise than on {OLDEST} they are underlined. How to make such pictures: [pictures](pictures.md). This page is made
by `make gallery`.
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One scenario of the gallery."""

    file: Path
    histories: tuple[History, ...]

    @property
    def folder(self) -> str:
        return "/".join(self.file.relative_to(SCENARIOS).parts[:-1])

    @property
    def picture(self) -> str:
        return "-".join(self.file.relative_to(SCENARIOS).with_suffix("").parts) + ".svg"


def entries(names: list[str]) -> Iterator[Entry]:
    """The scenarios with runs that can be drawn, in the order of their folders; ``names`` chooses some."""
    for file in sorted(SCENARIOS.rglob("*.yaml"), key=lambda file: (len(file.parts), file)):
        if names and file.stem not in names:
            continue
        scenario = api.load(file)
        own = scenario.cluster.settings.release
        releases = dict.fromkeys([OLDEST, USUAL if own in (None, OLDEST) else own])
        histories = tuple(_ran(scenario, releases))
        if max(len(history.pods) for history in histories) <= MOST_PODS:
            yield Entry(file, histories)


def _ran(scenario: Scenario, releases: Iterable[str | None]) -> Iterator[History]:
    """The runs on the releases that have all gates of the scenario; its own has."""
    for release in releases:
        try:
            yield api.run(scenario, release=release)
        except ReleaseError:
            if release != OLDEST:
                raise


def section(entry: Entry) -> list[str]:
    """The part of the page about one scenario."""
    header = entry.histories[0].header
    name = header.scenario
    source = entry.file.relative_to(ROOT)
    return [
        f"### {name}",
        f"{_sentence(header.title or name)} ([the file](../{source.as_posix()}))",
        "\n".join(f"- {sentence}" for sentence in what_differs(entry.histories)),
        f"![The timeline of {name}](gallery/{entry.picture})",
    ]


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:].rstrip(".") + "."


def write(folder: Path, names: list[str]) -> None:
    """Write the page and its pictures into a folder."""
    pictures = folder / "gallery"
    pictures.mkdir(parents=True, exist_ok=True)
    parts = [INTRODUCTION]
    for group, found in groupby(entries(names), key=lambda entry: entry.folder):
        parts.append(f"## {HEADINGS.get(group, group.capitalize())}\n")
        for entry in found:
            save(plot(entry.histories), pictures / entry.picture)
            parts += [f"{part}\n" for part in section(entry)]
    (folder / "gallery.md").write_text("\n".join(parts), encoding="utf-8")


def write_example(folder: Path) -> None:
    """The one picture that is kept, for the README."""
    scenario = api.load(SCENARIOS / "grace-runs-out.yaml")
    gates = {"SidecarContainers": True}
    save(plot([api.run(scenario, release=release, gates=gates) for release in (OLDEST, USUAL)]), folder / EXAMPLE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=ROOT / "docs", help="where the page goes")
    parser.add_argument("names", nargs="*", help="scenarios to draw; without names all")
    arguments = parser.parse_args()
    write(arguments.folder, arguments.names)
    if not arguments.names:
        write_example(arguments.folder / "images")


if __name__ == "__main__":
    main()
