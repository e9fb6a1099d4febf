"""Pages of reference, made from the code and its data: the command line, scenario files, records, Python, states."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

import click
import msgspec

import kubesim
from kubesim.cli import main
from kubesim.graphs.drawing import drawing, svg
from kubesim.graphs.transitions import transitions
from kubesim.history import records
from kubesim.scenario.load import schema
from kubesim.sim.instances import INSTANCE_MOVES
from kubesim.sim.pod_worker import WORK_MOVES

_ANNOTATION = re.compile(r"(: |-> )'([^']*)'")
"""A type in a signature, which stands in quotes as it was not evaluated."""


def write_pages(folder: Path) -> None:
    """Write all pages into a folder, those that have not changed left alone."""
    folder.mkdir(exist_ok=True)
    pages = {
        "commands.md": commands(),
        "scenario-file.md": scenario_file(),
        "records.md": history_records(),
        "python.md": python_interface(),
        "states.md": states(),
        "container-states.svg": _state_picture("A container instance in the runtime", INSTANCE_MOVES),
        "worker-states.svg": _state_picture("The kubelet's worker of one Pod", WORK_MOVES),
    }
    for name, text in pages.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


# -- the command line -------------------------------------------------------------------------------------------------


def commands() -> str:
    """Every command with its arguments and options, from the commands themselves."""
    context = click.Context(main, info_name="kubesim")
    lines = ["# Commands and options", "", "Made from the commands themselves; what they are for is told in", ""]
    lines[2] += " [the command line](../cli.md)."
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        if command is not None:
            lines += _command(f"kubesim {name}", command)
    return "\n".join(lines) + "\n"


def _command(name: str, command: click.Command) -> Iterator[str]:
    usage = " ".join([name, *(_argument(one) for one in command.params if isinstance(one, click.Argument))])
    yield from (f"## {name}", "", f"`{usage}`", "", _help(command.help or ""), "")
    options = [one for one in command.params if isinstance(one, click.Option)]
    if options:
        yield from ("| option | meaning | without it |", "|---|---|---|")
        yield from (_option(one) for one in options)
        yield ""
    if isinstance(command, click.Group):
        for sub in command.commands.values():
            yield from (line.replace("## ", "### ", 1) for line in _command(f"{name} {sub.name}", sub))


def _argument(argument: click.Argument) -> str:
    return argument.metavar or (argument.name or "").upper()


def _option(option: click.Option) -> str:
    names = ", ".join(f"`{one}`" for one in (*option.opts, *option.secondary_opts))
    if not option.is_flag:
        values = option.metavar or (
            "|".join(map(str, option.type.choices))
            if isinstance(option.type, click.Choice)
            else option.type.name.upper()
        )
        names += f" `{values}`"
    default = "" if option.default in (None, False, (), "") or not option.show_default else f"`{option.default}`"
    again = " May be repeated." if option.multiple else ""
    return f"| {_cell(names)} | {_cell((option.help or '') + again)} | {_cell(default)} |"


def _help(text: str) -> str:
    """A command's help without click's marks; what stands behind one is kept as it is."""
    parts = []
    for part in inspect.cleandoc(text).split("\n\n"):
        plain = part.removeprefix("\b\n")
        parts.append(f"```text\n{textwrap.dedent(plain)}\n```" if plain != part else " ".join(plain.split()))
    return "\n\n".join(parts)


# -- scenario files ---------------------------------------------------------------------------------------------------


def scenario_file() -> str:
    """Every field of the Scenario document, from the table that reads it."""
    lines = [
        "# Fields of a scenario file",
        "",
        "Made from the table that reads such files; `kubesim schema` prints the same for editors. What the fields are",
        "for is told in [scenario files](../scenarios.md).",
        "",
        "| field | value | meaning |",
        "|---|---|---|",
    ]
    described = schema()
    lines += _fields(described, "", described.get("$defs", {}))
    return "\n".join(lines) + "\n"


def _fields(node: Mapping[str, Any], path: str, known: Mapping[str, Any]) -> Iterator[str]:
    node = _resolved(node, known)
    required = set(node.get("required", ()))
    for name, written in (node.get("properties") or {}).items():
        shown = f"{path}.{name}" if path else name
        value = _resolved(written, known)
        needed = " (needed)" if name in required else ""
        yield f"| `{shown}`{needed} | {_cell(_kind(value))} | {_cell(value.get('description', ''))} |"
        yield from _below(value, shown, known)


def _below(value: Mapping[str, Any], shown: str, known: Mapping[str, Any]) -> Iterator[str]:
    if shown.count(".") > 4:
        return
    if "properties" in value:
        yield from _fields(value, shown, known)
    items = _resolved(value.get("items") or {}, known)
    yield from _alternatives(items, f"{shown}[]", known)
    extra = value.get("additionalProperties")
    if isinstance(extra, Mapping):
        yield from _alternatives(_resolved(extra, known), f"{shown}.NAME", known)


def _alternatives(node: Mapping[str, Any], shown: str, known: Mapping[str, Any]) -> Iterator[str]:
    """The fields of a value, or of each form that it may have; a field once."""
    seen: set[str] = set()
    for form in (node, *(_resolved(one, known) for key in ("oneOf", "anyOf") for one in node.get(key, ()))):
        for line in _fields(form, shown, known):
            if line not in seen:
                seen.add(line)
                yield line


def _resolved(node: Mapping[str, Any], known: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = node.get("$ref", "")
    return {**known.get(reference.rpartition("/")[2], {}), **node} if reference else node


def _kind(value: Mapping[str, Any]) -> str:
    if "enum" in value:
        return ", ".join(f"`{one}`" for one in value["enum"])
    if "const" in value:
        return f"`{value['const']}`"
    kind = value.get("type", "")
    if isinstance(kind, list):
        return " or ".join(kind)
    if kind == "array":
        return "list"
    if kind == "object" and "additionalProperties" in value and "properties" not in value:
        return "mapping"
    return {"object": "", "": "any"}.get(kind, str(kind))


# -- records ----------------------------------------------------------------------------------------------------------


def history_records() -> str:
    """Every type of record with its fields, from the types and their docstrings."""
    notes = _field_notes(Path(inspect.getfile(records)))
    lines = ["# Records of a history", "", "Made from the types of records; how to read a history is told in", ""]
    lines[2] += " [the history](../history.md)."
    for type_ in (records.Header, *records.AnyRecord.__args__):
        tag = type_.__struct_config__.tag
        lines += [f"## {tag}", "", _prose(type_.__doc__ or ""), "", "| field | type | meaning |", "|---|---|---|"]
        for one in msgspec.structs.fields(type_):
            note = notes.get((type_.__name__, one.name), "")
            lines.append(f"| `{one.encode_name}` | {_cell(_type_name(one.type))} | {_cell(note)} |")
        lines.append("")
    return "\n".join(lines) + "\n"


def _field_notes(path: Path) -> dict[tuple[str, str], str]:
    """The docstring below each field of each class."""
    notes = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if not isinstance(node, ast.ClassDef):
            continue
        for field, after in zip(node.body, node.body[1:], strict=False):
            if isinstance(field, ast.AnnAssign) and isinstance(after, ast.Expr) and isinstance(field.target, ast.Name):
                notes[node.name, field.target.id] = str(getattr(after.value, "value", ""))
    return notes


def _type_name(type_: Any) -> str:
    text = getattr(type_, "__name__", "") if not getattr(type_, "__args__", None) else str(type_)
    return f"`{(text or str(type_)).replace('typing.', '').replace('kubesim.history.records.', '')}`"


# -- Python -----------------------------------------------------------------------------------------------------------


def python_interface() -> str:
    """The small interface that ``import kubesim`` gives, and what can be asked of a history."""
    from kubesim.history.history import History
    from kubesim.history.lives import ContainerLife, PodLife, Run

    lines = ["# Python", "", "`import kubesim`; names are loaded when they are used, so that the import is quick.", ""]
    for name in sorted(set(kubesim.__all__) - {"__version__", "History"}):
        value = getattr(kubesim, name)
        lines += [
            f"## kubesim.{name}",
            "",
            "```text",
            f"{name}{_signature(value)}",
            "```",
            "",
            _prose(value.__doc__ or ""),
            "",
        ]
    for type_ in (History, PodLife, ContainerLife, Run):
        lines += [f"## {type_.__name__}", "", _prose(type_.__doc__ or ""), "", "| | |", "|---|---|"]
        lines += [f"| `{name}` | {_cell(_first(value))} |" for name, value in _public(type_)]
        lines.append("")
    return "\n".join(lines) + "\n"


def _signature(value: Any) -> str:
    text = _ANNOTATION.sub(r"\1\2", str(inspect.signature(value))).replace("kubesim.history.history.", "")
    return text if len(text) < 90 else text.replace("(", "(\n    ", 1).replace(", ", ",\n    ")


def _public(type_: type) -> Iterator[tuple[str, Any]]:
    for name, value in vars(type_).items():
        if not name.startswith("_") and (inspect.isfunction(value) or getattr(value, "__doc__", None)):
            yield name + (_signature(value).replace("\n    ", " ") if inspect.isfunction(value) else ""), value


def _first(value: Any) -> str:
    text = inspect.getdoc(value) or ""
    return "" if text.startswith("The descriptor") or "member" in text[:20] else text.split("\n\n")[0]


# -- states -----------------------------------------------------------------------------------------------------------


def states() -> str:
    """The tables of moves that the code obeys, as pictures and as tables."""
    lines = [
        "# States",
        "",
        "Drawn from the tables that the code itself obeys: it refuses a move that is not in them. Everything else in",
        "Kubernetes is level-triggered, and is computed anew from what is wanted and what is seen.",
        "",
    ]
    for title, name, moves in (
        ("A container instance in the runtime", "container-states", INSTANCE_MOVES),
        ("The kubelet's worker of one Pod", "worker-states", WORK_MOVES),
    ):
        lines += [f"## {title}", "", f"![{title}]({name}.svg)", "", "| from | to |", "|---|---|"]
        lines += [
            f"| {_state(one)} | {', '.join(map(_state, _in_order(targets))) or 'nothing'} |"
            for one, targets in moves.items()
        ]
        lines.append("")
    return "\n".join(lines) + "\n"


def _state(state: Enum) -> str:
    return f"`{state.value}`"


def _in_order(targets: Iterable[Enum]) -> list[Enum]:
    return sorted(targets, key=lambda one: [*type(one).__members__].index(one.name))


def _state_picture(title: str, moves: Mapping[Any, Iterable[Any]]) -> str:
    return svg(drawing(transitions(moves), title, lambda state: str(state.value)))


# -- Markdown ---------------------------------------------------------------------------------------------------------


def _cell(text: str) -> str:
    return " ".join(str(text).split()).replace("|", "\\|").replace("``", "`")


def _prose(text: str) -> str:
    """A docstring as Markdown."""
    return inspect.cleandoc(text).replace("``", "`")
