"""``kubesim compare``: the same on several releases, with several gates or seeds, or of several manifests."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from kubesim.commands import options
from kubesim.commands.options import DeleteAt, Setting
from kubesim.commands.progress import Waiting

if TYPE_CHECKING:
    from kubesim.timelines.compare import Side

DRAWN: Final = (".png", ".svg", ".pdf", ".html")


@dataclass(frozen=True, slots=True)
class Column:
    """What one column runs."""

    files: tuple[str, ...]
    release: str | None
    gates: tuple[Setting, ...]
    seed: int | None


def releases(context: click.Context, parameter: click.Parameter, texts: tuple[str, ...]) -> tuple[str, ...]:
    """``1.28,1.29``, and the option may be repeated; empty is refused."""
    options.not_empty(context, parameter, texts)
    return tuple(part.strip() for text in texts for part in text.split(",") if part.strip())


def seeds(_: click.Context, __: click.Parameter, texts: tuple[str, ...]) -> tuple[int, ...]:
    """``1,2``, or ``1-10``."""
    found: list[int] = []
    for part in (part.strip() for text in texts for part in text.split(",")):
        first, dash, last = part.partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise click.BadParameter(f"{part!r} is no seed; write 1,2 or 1-10")
        found += range(int(first), int(last or first) + 1)
    return tuple(found)


def gates(
    context: click.Context, parameter: click.Parameter, texts: tuple[str, ...]
) -> tuple[tuple[Setting, ...], ...]:
    """For each option the settings it asks for: one, or two with ``NAME=true,false``, which makes two columns."""
    found = []
    for text in texts:
        name, _, values = text.partition("=")
        found.append(tuple(options.setting(f"{name}={value}") for value in values.split(",")))
    return tuple(found)


@click.command("compare")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--releases",
    "--release",
    "releases_",
    multiple=True,
    callback=releases,
    shell_complete=options.release_names,
    metavar="R,R",
    help="Releases.",
)
@click.option(
    "--gate",
    "gates_",
    multiple=True,
    callback=gates,
    metavar="[PART:]NAME=BOOL[,BOOL]",
    help="Gate, of all columns; NAME=true,false compares both.",
)
@click.option("--seeds", "--seed", "seeds_", multiple=True, callback=seeds, metavar="N,N", help="Seeds: 1,2 or 1-5.")
@click.option(
    "--against",
    multiple=True,
    metavar="FILE[,FILE]",
    help="Other manifests to hold FILE... against; repeat it for more.",
)
@options.DELETE_AT
@click.option("--until", type=options.duration, metavar="DURATION", help="How long each run lasts, such as 2m.")
@options.TIMING
@click.option(
    "--plot", "picture", type=click.Path(dir_okay=False, writable=True), metavar="OUT",
    help="Draw the runs below each other, too: png, svg, pdf or html.",
)  # fmt: skip
@click.option("-o", "--output", "form", type=click.Choice(("table", "json")), default="table", show_default=True)
def command(
    files: tuple[str, ...],
    releases_: tuple[str, ...],
    gates_: tuple[tuple[Setting, ...], ...],
    seeds_: tuple[int, ...],
    against: tuple[str, ...],
    delete_at: DeleteAt | None,
    until: int | None,
    timing: str | None,
    picture: str | None,
    form: str,
) -> None:
    """What differs between releases, gates, seeds or manifests: a sentence, then a table.

    Each combination of what is given is a column. Exit status: 0 nothing differs, 1 something does.

    \b
      kubesim compare pod.yaml --releases 1.28,1.29
      kubesim compare pod.yaml --release 1.28 --gate SidecarContainers=true,false
      kubesim compare before.yaml --against after.yaml --delete-at 30s --plot both.png
    """
    from kubesim.timelines.compare import compare
    from kubesim.timelines.compare_text import compare_data, compare_text
    from kubesim.timelines.style import style_for

    manifests = [files, *(tuple(other.split(",")) for other in against)]
    columns = [
        Column(chosen, release, chosen_gates, seed)
        for chosen, release, chosen_gates, seed in product(
            manifests, releases_ or (None,), product(*gates_), seeds_ or (None,)
        )
    ]
    columns = list(dict.fromkeys(columns))
    if len(columns) < 2:
        raise click.UsageError(
            "there is one run only; name several releases (--releases 1.28,1.29), gates (--gate NAME=true,false), "
            "seeds (--seeds 1,2) or other manifests (--against FILE)"
        )
    target = _target(picture)
    sides = list(_sides(columns, delete_at, until, timing))
    comparison = compare(sides)
    if target is not None:
        from kubesim.commands.plot import write_timeline

        with Waiting(f"drawing {target.name}"):
            labels = [side.name for side in sides]
            write_timeline([side.history for side in sides], target, labels=labels, said=comparison.summary)
    if form == "json":
        ran = [_described(side.name, column) for side, column in zip(sides, columns, strict=True)]
        click.echo(json.dumps(compare_data(comparison, ran), indent=2, ensure_ascii=False))
    else:
        import os

        click.echo(compare_text(comparison, style_for(sys.stdout, os.environ)), nl=False)
    click.get_current_context().exit(0 if comparison.equal else 1)


def _target(picture: str | None) -> Path | None:
    if picture is None:
        return None
    target = Path(picture)
    if target.suffix.lower() not in DRAWN:
        known = ", ".join(suffix.removeprefix(".") for suffix in DRAWN)
        raise click.UsageError(f"{target}: --plot writes {known}; the name's suffix says which")
    return target


def _sides(
    columns: Sequence[Column], delete_at: DeleteAt | None, until: int | None, timing: str | None
) -> Iterator[Side]:
    from kubesim import api
    from kubesim.commands.inputs import read_scenario
    from kubesim.timelines.compare import Side

    labels = _labels(columns)
    for column, (name, said) in zip(columns, labels, strict=True):
        scenario = read_scenario(column.files, gates=column.gates, delete_at=delete_at)
        with Waiting(f"running {scenario.name} {said}"):
            history = api.run(scenario, release=column.release, seed=column.seed, timing=timing, until=until)
        yield Side(name, said, history, manifest=",".join(column.files))


def _labels(columns: Sequence[Column]) -> list[tuple[str, str]]:
    """Head and wording of each column: only what is not the same in all."""
    several_manifests = len({column.files for column in columns}) > 1
    several_releases = len({column.release for column in columns}) > 1
    several_seeds = len({column.seed for column in columns}) > 1
    shared = set.intersection(*(set(column.gates) for column in columns))
    found = []
    for column in columns:
        parts: list[tuple[str, str]] = []
        if several_manifests:
            files = _short(column.files, columns)
            parts.append((files, f"in {files}"))
        if several_releases and column.release:
            parts.append((column.release, f"on {column.release}"))
        own = [_gate_text(gate) for gate in column.gates if gate not in shared]
        if own:
            parts.append((" ".join(own), f"with {' '.join(own)}"))
        if several_seeds:
            parts.append((f"seed {column.seed}", f"with seed {column.seed}"))
        found.append((" ".join(name for name, _ in parts), " ".join(said for _, said in parts)))
    return found


def _short(files: tuple[str, ...], columns: Sequence[Column]) -> str:
    """The files of a column without their folders, where that still tells the columns apart."""
    names = {other.files: ",".join(Path(file).name for file in other.files) for other in columns}
    return names[files] if len(set(names.values())) == len(names) else ",".join(files)


def _gate_text(gate: Setting) -> str:
    part = f"{gate.component}:" if gate.component else ""
    return f"{part}{gate.name}={str(gate.value).lower()}"


def _described(name: str, column: Column) -> dict[str, object]:
    gate_texts: Iterable[str] = (_gate_text(gate) for gate in column.gates)
    return {
        "name": name,
        "files": list(column.files),
        "release": column.release,
        "gates": list(gate_texts),
        "seed": column.seed,
    }
