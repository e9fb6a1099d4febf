"""What kubectl printed on real clusters against what kubesim prints: word for word, space for space.

    python -m tests.fidelity.faces [FOLDER]      # a table for every configuration with texts

Only accidents are taken out: times, ages, addresses, ids, the namespace, the random part of a Job's Pods. Events are
compared without their counts and their order within a second, which kubectl sorts arbitrarily.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from kubesim import api
from kubesim.commands.inputs import as_recorded, read_scenario
from kubesim.history.cut import cut
from kubesim.history.history import History
from kubesim.timelines.describe import describe_all
from kubesim.timelines.tables import events_table, jobs_table, pods_table
from kubesim.timelines.trace import recorded_until

HERE: Final = Path(__file__).resolve().parent
CORPUS: Final = HERE.parents[2] / "shared" / "traces"
SAMPLE: Final = HERE.parent / "data" / "kubectl"
SCENARIOS: Final = HERE.parent / "data" / "recordings"
VIEWS: Final = ("get pod", "get job", "describe pod", "describe job", "get events")

_ACCIDENTS: Final = (
    (re.compile(r"\b[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d \+0000"), "TIME"),
    (re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"), "UID"),
    (re.compile(r"\((?:[0-9a-f]{8})\)"), "(UID)"),
    (re.compile(r"containerd://[0-9a-f]{64}"), "CONTAINER"),
    (re.compile(r"sha256:[0-9a-f]{64}"), "IMAGE"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b"), "ADDRESS"),
    (re.compile(r"(?<![\w-])s-[a-z0-9-]+(?=/|$)"), "default"),
    (re.compile(r"_s-[a-z0-9-]+\("), "_default("),
)
_AGE: Final = re.compile(r"(?<![\w.-])(?:\d+[dhms])+(?![\w-])")
_FIELD_PATH: Final = re.compile(r"spec\.\w+\{[^}]*\}: ")
"""What kubectl puts before an Event's text since 1.36 or so; the recordings were made with kubectl 1.32."""
_COUNT: Final = re.compile(r"\(x\d+ over AGE\)")


@dataclass(frozen=True, slots=True)
class Face:
    """One view of one scenario, as recorded and as simulated, both without their accidents."""

    name: str
    view: str
    recorded: list[str]
    simulated: list[str]


def texts(folder: Path) -> list[Path]:
    """The texts of a corpus (``CONFIG/text/ID.txt``) or of the sample (``CONFIG/ID.txt``)."""
    return sorted(path for path in folder.glob("*/*.txt") if path.name != "metrics.txt") + sorted(
        folder.glob("*/text/*.txt")
    )


def faces(text: Path, scenarios: Path) -> Iterator[Face]:
    """The views that a text has, beside those of the simulated run at the same moment."""
    config = text.parent.parent.name if text.parent.name == "text" else text.parent.name
    configs: dict[str, Any] = json.loads((scenarios / "configs.json").read_text(encoding="utf-8"))
    manifest = scenarios / "scenarios" / f"{text.stem}.yaml"
    scenario = read_scenario([str(manifest)], actions=str(manifest.with_suffix(".actions.json")))
    history = api.run(as_recorded(scenario, configs[config]))
    end = cut(history, recorded_until(history))
    jobs = [document.name for document in scenario.objects if document.kind == "Job"]
    blocks = recorded_blocks(text.read_text(encoding="utf-8"))
    for view in VIEWS:
        if view in blocks and not blocks[view][0].startswith("No resources found"):
            mine = simulated(end, view)
            yield Face(f"{config}/{text.stem}", view, plain(blocks[view], view, jobs), plain(mine, view, jobs))


def recorded_blocks(text: str) -> dict[str, list[str]]:
    """Command to what it printed in the end."""
    end = text.partition("##### end")[2]
    parts = [part.partition("\n") for part in end.split("\n$ kubectl ")[1:]]
    return {" ".join(head.split()[:2]): body.rstrip("\n").split("\n") for head, _, body in parts}


def simulated(history: History, view: str) -> list[str]:
    """The same view of a simulated run."""
    match view:
        case "get pod":
            return pods_table(history)
        case "get job":
            return jobs_table(history)
        case "get events":
            return events_table(history)
    first = "Name: " if view == "describe pod" else "Name:"
    blocks = "\n".join(describe_all(history)).split("\n\n\n")
    wanted = [block for block in blocks if ("\nPod Template:" in block) is (view == "describe job")]
    return "\n\n\n".join(block for block in wanted if block.startswith(first.strip())).split("\n")


def plain(lines: list[str], view: str, jobs: list[str]) -> list[str]:
    """Lines without accidents. Tables lose their spaces, for a column is as wide as its longest age."""
    text = "\n".join(lines)
    for job in jobs:
        text = re.sub(rf"\b({re.escape(job)}(?:-\d+)?)-[a-z0-9]{{5}}\b", r"\1-POD", text)
    for pattern, word in _ACCIDENTS:
        text = pattern.sub(word, text)
    text = re.sub(r"^(Namespace: +)s-\S+", r"\1default", text, flags=re.MULTILINE)
    if view.startswith("get"):
        head, *rows = [_row(line) for line in text.split("\n")]
        return [head, *sorted(rows)]
    return [line for block in sorted(map(_described, text.split("\n\n\n"))) for line in block]


def _described(block: str) -> list[str]:
    """The lines of one object: its layout as it stands, its Events as a sorted table."""
    layout, _, events = block.partition("\nEvents:")
    layout = re.sub(r"^(Duration: +)\S+", r"\1AGE", layout, flags=re.MULTILINE)
    layout = re.sub(r"^(Status: +Terminating \(lasts )\S+\)", r"\1AGE)", layout, flags=re.MULTILINE)
    return [*(line.rstrip() for line in layout.split("\n")), "Events:", *sorted(map(_row, events.split("\n")))]


def _row(line: str) -> str:
    """A row of a table with single spaces, without ages and counts."""
    line = _FIELD_PATH.sub("", _COUNT.sub("", _AGE.sub("AGE", line)).replace("(AGE ago)", ""))
    return " ".join(line.split())


def main() -> int:
    """Print, for each configuration and view, how many are the same, and the first line that is not."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else CORPUS if CORPUS.is_dir() else SAMPLE
    scenarios = folder if (folder / "configs.json").exists() else SCENARIOS
    shares: dict[tuple[str, str], list[bool]] = {}
    for text in texts(folder):
        for face in faces(text, scenarios):
            same = face.recorded == face.simulated
            shares.setdefault((face.name.partition("/")[0], face.view), []).append(same)
            if not same and "-v" in sys.argv:
                print(face.name, face.view, *difference(face), sep="\n    ")
    for (config, view), found in sorted(shares.items()):
        print(f"{config:32} {view:14} {sum(found)}/{len(found)}")
    return 0


def difference(face: Face) -> list[str]:
    """The first lines that are on one side only."""
    return [f"- {line}" for line in face.recorded if line not in face.simulated][:4] + [
        f"+ {line}" for line in face.simulated if line not in face.recorded
    ][:4]


if __name__ == "__main__":
    sys.exit(main())
