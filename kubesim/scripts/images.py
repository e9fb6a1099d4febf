"""What is known about images: a data file, read once into frozen data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files as package_files
from types import MappingProxyType
from typing import Any, Final

import yaml

from kubesim.scripts.declared import Behaviour, parse_behaviour
from kubesim.scripts.filesystem import Directory, Entry, File

_DIRECTORIES: Final = (
    "/bin", "/boot", "/dev", "/dev/shm", "/etc", "/home", "/lib", "/media", "/mnt", "/opt", "/proc", "/root", "/run",
    "/sbin", "/srv", "/sys", "/tmp", "/usr", "/usr/bin", "/usr/lib", "/usr/local", "/usr/local/bin", "/usr/sbin",
    "/usr/share", "/var", "/var/cache", "/var/lib", "/var/log", "/var/run", "/var/spool", "/var/tmp",
)  # fmt: skip
_DEVICES: Final = ("/dev/null", "/dev/zero", "/dev/stdin", "/dev/stdout", "/dev/stderr", "/dev/urandom")
_PATHS: Final = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
PATH: Final = ":".join(_PATHS)
_SHELLS: Final = frozenset(("sh", "ash", "dash", "bash"))


@dataclass(frozen=True, slots=True)
class Image:
    """One image. ``commands`` are the programs it holds; with ``complete`` there are no others."""

    name: str
    known: bool
    shell: str
    toolbox: frozenset[str]
    commands: frozenset[str]
    complete: bool
    entrypoint: tuple[str, ...]
    appends: bool
    stop_signal: str
    working_dir: str
    base: Mapping[str, Entry]
    bin_directory: str
    user: str | None
    """Its USER; empty for root, None where it is not known."""

    def __copy__(self) -> Image:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Image:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return image_named, (self.name, self.shell)


@cache
def _table() -> dict[str, Any]:
    text = package_files("kubesim.scripts").joinpath("images.yaml").read_text(encoding="utf-8")
    table: dict[str, Any] = yaml.safe_load(text)
    return table


@cache
def program_behaviours() -> Mapping[str, Behaviour]:
    """Programs that are not interpreted, by name, or by name and first argument."""
    rows = _table()["programs"]
    return MappingProxyType({name: parse_behaviour(row, f"programs.{name}") for name, row in rows.items()})


def interpreter(name: str) -> Mapping[str, Any] | None:
    """How an interpreter such as python3 is told its program text; None when the name is none."""
    row: Mapping[str, Any] | None = _table()["interpreters"].get(name)
    return row


def short_name(reference: str) -> str:
    """The last part of an image's name, without registry, tag and digest."""
    return reference.partition("@")[0].rsplit("/", 1)[-1].partition(":")[0]


@lru_cache(maxsize=1024)
def image_named(reference: str, shell: str = "") -> Image:
    """What is known about an image; of an unknown one, that it may hold anything. ``shell``: whose ``sh`` it has."""
    row = _table()["images"].get(short_name(reference))
    if row is None:
        everything = frozenset(" ".join(_table()["toolboxes"].values()).split())
        sh = shell or "dash"
        return Image(
            reference, False, sh, everything, everything, False, (), False, "TERM", "/", _base(()), "/bin", None
        )
    toolbox = frozenset(_table()["toolboxes"].get(row.get("toolbox", ""), "").split())
    entrypoint = tuple(row["entrypoint"])
    commands = toolbox | set(row.get("programs", ())) | {entrypoint[0].rsplit("/", 1)[-1]}
    return Image(
        name=reference,
        known=True,
        shell=shell or row["shell"],
        toolbox=toolbox,
        commands=frozenset(commands),
        complete=row.get("complete", False),
        entrypoint=entrypoint,
        appends=row.get("appends", False),
        stop_signal=row.get("stopSignal", "TERM"),
        working_dir=row.get("workingDir", "/"),
        base=_base((*row.get("directories", ()), row.get("workingDir", "/"))),
        bin_directory="/usr/bin" if row["shell"] in ("dash", "bash") else "/bin",
        user=row.get("user", ""),
    )


@cache
def _base(directories: tuple[str, ...]) -> Mapping[str, Entry]:
    """The files of an image that matter: directories, devices, users."""
    base: dict[str, Entry] = {path: Directory() for path in _DIRECTORIES}
    for path in directories:
        parts = path.strip("/").split("/")
        for length in range(1, len(parts) + 1):
            base["/" + "/".join(parts[:length])] = Directory()
    base.pop("/", None)
    base.update({path: File(mode=0o666) for path in _DEVICES})
    base["/etc/passwd"] = File("root:x:0:0:root:/root:/bin/sh\n")
    base["/etc/group"] = File("root:x:0:\n")
    base["/etc/resolv.conf"] = File("nameserver 10.96.0.10\n")
    return _Base(base)


class _Base(dict[str, Entry]):
    """The read-only files of an image, shared by all its containers and never copied."""

    def __deepcopy__(self, memo: dict[int, Any]) -> _Base:
        return self
