"""What a container sees as files: its own layer above the image, and volumes shared with other containers.

Everything is plain data that copies and pickles; no real file is ever touched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

from kubesim.units import Instant

NO_ENTRY: Final = "No such file or directory"
IS_DIRECTORY: Final = "Is a directory"
NOT_DIRECTORY: Final = "Not a directory"
READ_ONLY: Final = "Read-only file system"
EXISTS: Final = "File exists"
NOT_EMPTY: Final = "Directory not empty"
BUSY: Final = "Device or resource busy"
LOOP: Final = "Too many levels of symbolic links"
_MOST_LINKS: Final = 40
_ALWAYS_WRITABLE: Final = ("/dev/", "/proc/")
"""What the runtime mounts itself, also where the root is read-only; the termination message is there."""


class FileError(Exception):
    """A file operation that the kernel would refuse; the text is the C library's message."""


@dataclass(slots=True)
class File:
    """A regular file. ``zeros`` NUL bytes follow the content, so that a large blank file costs nothing."""

    content: str = ""
    zeros: int = 0
    mode: int = 0o644
    modified: Instant = 0

    @property
    def size(self) -> int:
        return len(self.content.encode("utf-8", "surrogateescape")) + self.zeros

    @property
    def text(self) -> str:
        return self.content + "\0" * self.zeros


@dataclass(slots=True)
class Directory:
    """A directory that was made or is part of a volume."""

    mode: int = 0o755
    modified: Instant = 0


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link."""

    target: str


Entry: TypeAlias = File | Directory | Link

_IMPLIED: Final = Directory()
"""A directory that is only there because something is in it; nothing of it can be changed."""


@dataclass(slots=True)
class Volume:
    """A tree of files that containers may share (emptyDir, hostPath, configMap, ...).

    ``files`` maps relative paths (``"a/b"``; ``""`` is the root and is implied) to entries. ``version`` grows with
    each change, so that a reader knows whether it has to look again.
    """

    files: dict[str, Entry] = field(default_factory=dict)
    read_only: bool = False
    version: int = 0
    name: str = ""

    @classmethod
    def of(cls, texts: Mapping[str, str], *, read_only: bool = False, name: str = "") -> Volume:
        """A volume with these files, for example a ConfigMap's keys."""
        volume = cls(name=name)
        for path, text in texts.items():
            volume.write(path, text)
        volume.read_only = read_only
        return volume

    def write(self, path: str, text: str, now: Instant = 0) -> None:
        """Put a file from outside any container, making its parent directories."""
        key = path.strip("/")
        for directory in _above(key):
            if directory not in self.files:
                self.files[directory] = Directory(modified=now)
        self.files[key] = File(text, modified=now)
        self.version += 1

    def remove(self, path: str) -> None:
        """Take a file or a whole directory away from outside any container."""
        prefix = path.strip("/")
        for key in [key for key in self.files if key == prefix or key.startswith(prefix + "/")]:
            del self.files[key]
        self.version += 1

    def size(self) -> int:
        """Bytes in all files: what an emptyDir size limit is compared with."""
        return sum(entry.size for entry in self.files.values() if isinstance(entry, File))


@dataclass(slots=True)
class Mount:
    """Where a volume is mounted, which of its directories (subPath), and whether this mount is read-only."""

    volume: Volume
    sub_path: str = ""
    read_only: bool = False


class Place(NamedTuple):
    """A resolved path: the volume, the key inside it, and whether one may write there."""

    volume: Volume
    key: str
    path: str
    read_only: bool


@dataclass(slots=True)
class Filesystem:
    """One container run's view of files.

    ``layer`` is the container's own writable layer, gone after a restart; ``base`` the image's files, never written
    (``removed`` hides those that were deleted). ``lenient``: the image's content is unknown, so any parent directory
    is assumed to be there.
    """

    mounts: dict[str, Mount] = field(default_factory=dict)
    layer: Volume = field(default_factory=Volume)
    base: Mapping[str, Entry] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)
    read_only_root: bool = False
    lenient: bool = False
    _order: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self._order = tuple(sorted(self.mounts, key=len, reverse=True))

    def volumes(self) -> list[Volume]:
        return [self.layer, *(mount.volume for mount in self.mounts.values())]

    def version(self) -> int:
        """Grows whenever any file this container can see may have changed."""
        total = self.layer.version
        for mount in self.mounts.values():
            total += mount.volume.version
        return total

    def place(self, path: str) -> Place:
        """The volume and key of an absolute, normal path, symbolic links not followed."""
        for prefix in self._order:
            if path == prefix or path.startswith(prefix + "/"):
                mount = self.mounts[prefix]
                inside = path[len(prefix) :].strip("/")
                sub_path = mount.sub_path.strip("/")
                key = f"{sub_path}/{inside}".strip("/") if sub_path else inside
                return Place(mount.volume, key, path, mount.read_only or mount.volume.read_only)
        return Place(self.layer, path.strip("/"), path, self.read_only_root and not path.startswith(_ALWAYS_WRITABLE))

    def entry(self, path: str) -> Entry | None:
        """What stands at an absolute, normal path; None when nothing does."""
        place = self.place(path)
        found = place.volume.files.get(place.key)
        if found is not None:
            return found
        if place.key == "" or path == "/":
            return _IMPLIED
        if place.volume is self.layer:
            if path not in self.removed and (kept := self.base.get(path)) is not None:
                return kept
            if any(mounted.startswith(path + "/") for mounted in self._order):
                return _IMPLIED
            return None
        prefix = place.key + "/"
        return _IMPLIED if any(key.startswith(prefix) for key in place.volume.files) else None

    def own_directories(self, path: str) -> tuple[str, ...]:
        """The directories of a ``PATH`` in which something beside the image's own files can stand; mostly none."""
        return _own_directories(path, tuple(self.layer.files), self._order)

    def resolve(self, path: str, *, follow: bool = True, depth: int = 0) -> str:
        """The path with symbolic links replaced; the last component's only when ``follow``."""
        if depth > _MOST_LINKS:
            raise FileError(LOOP)
        parts = [part for part in path.split("/") if part and part != "."]
        at = ""
        for index, part in enumerate(parts):
            if part == "..":
                at = at.rpartition("/")[0]
                continue
            at = f"{at}/{part}"
            if index == len(parts) - 1 and not follow:
                break
            entry = self.entry(at)
            if isinstance(entry, Link):
                start = entry.target if entry.target.startswith("/") else f"{at.rpartition('/')[0]}/{entry.target}"
                return self.resolve("/".join([start, *parts[index + 1 :]]), follow=follow, depth=depth + 1)
        return at or "/"

    def get(self, path: str) -> Entry | None:
        """The entry behind a path, links followed."""
        return self.entry(self.resolve(path))

    def read(self, path: str) -> File:
        """The file at a path, or the reason why it cannot be read."""
        resolved = self.resolve(path)
        entry = self.entry(resolved)
        if isinstance(entry, File):
            return entry
        if isinstance(entry, Directory):
            raise FileError(IS_DIRECTORY)
        self._refuse_missing(resolved)
        raise FileError(NO_ENTRY)

    def _refuse_missing(self, path: str) -> None:
        """Say "Not a directory" where a parent is a file."""
        parent = path.rpartition("/")[0]
        while parent:
            if isinstance(self.entry(parent), File):
                raise FileError(NOT_DIRECTORY)
            parent = parent.rpartition("/")[0]

    def is_directory(self, path: str) -> bool:
        return isinstance(self.get(path), Directory)

    def names(self, path: str) -> list[str]:
        """The names inside a directory, sorted; nothing when it is none."""
        directory = self.resolve(path)
        prefix = "/" if directory == "/" else directory + "/"
        place = self.place(directory)
        start = f"{place.key}/" if place.key else ""
        found = {
            key[len(start) :].split("/", 1)[0]
            for key in place.volume.files
            if key.startswith(start) and key != place.key
        }
        if place.volume is self.layer:
            found |= {
                known[len(prefix) :].split("/", 1)[0]
                for known in self.base
                if known.startswith(prefix) and known not in self.removed
            }
        found |= {mounted[len(prefix) :].split("/", 1)[0] for mounted in self._order if mounted.startswith(prefix)}
        found.discard("")
        return sorted(found)

    # --- changes

    def writable(self, path: str) -> Place:
        """The place of a path that is to be changed; refuses read-only mounts and missing parents."""
        resolved = self.resolve(path, follow=True)
        parent = resolved.rpartition("/")[0] or "/"
        if not isinstance(self.entry(parent), Directory):
            self._refuse_missing(resolved)
            if not self.lenient:
                raise FileError(NO_ENTRY)
        place = self.place(resolved)
        if place.read_only:
            raise FileError(READ_ONLY)
        return place

    def open_for_writing(self, path: str, now: Instant, *, truncate: bool) -> tuple[File, Volume]:
        """The file to write to, made when missing, and the volume whose version writing changes."""
        place = self.writable(path)
        entry = self.entry(place.path)
        if isinstance(entry, Directory):
            raise FileError(IS_DIRECTORY)
        if isinstance(entry, File):
            if place.key not in place.volume.files:
                entry = File(entry.content, entry.zeros, entry.mode, now)
                place.volume.files[place.key] = entry
            if truncate:
                if entry.content or entry.zeros:
                    place.volume.version += 1
                entry.content, entry.zeros, entry.modified = "", 0, now
        else:
            entry = File(modified=now)
            place.volume.files[place.key] = entry
            place.volume.version += 1
        return entry, place.volume

    def changeable(self, path: str) -> File | Directory:
        """The file or directory whose time or mode is to be changed: the container's own, not the image's."""
        place = self.writable(path)
        entry = self.entry(place.path)
        if not isinstance(entry, (File, Directory)):
            raise FileError(NO_ENTRY)
        if place.key not in place.volume.files:
            entry = replace(entry)
            if place.key:
                place.volume.files[place.key] = entry
        return entry

    def make_directory(self, path: str, now: Instant) -> None:
        resolved = self.resolve(path)
        if self.entry(resolved) is not None:
            raise FileError(EXISTS)
        place = self.writable(resolved)
        place.volume.files[place.key] = Directory(modified=now)
        place.volume.version += 1

    def make_link(self, path: str, target: str) -> None:
        resolved = self.resolve(path, follow=False)
        if self.entry(resolved) is not None:
            raise FileError(EXISTS)
        place = self.writable(resolved)
        place.volume.files[place.key] = Link(target)
        place.volume.version += 1

    def remove(self, path: str, *, recursive: bool = False) -> None:
        """Remove a file, a link, an empty directory, or with ``recursive`` a whole tree."""
        resolved = self.resolve(path, follow=False)
        entry = self.entry(resolved)
        if entry is None:
            self._refuse_missing(resolved)
            raise FileError(NO_ENTRY)
        if resolved in self.mounts or resolved == "/":
            raise FileError(BUSY)
        place = self.place(resolved)
        if place.read_only:
            raise FileError(READ_ONLY)
        if isinstance(entry, Directory) and (names := self.names(resolved)):
            if not recursive:
                raise FileError(NOT_EMPTY)
            for name in names:
                self.remove(f"{resolved}/{name}", recursive=True)
        place.volume.files.pop(place.key, None)
        if place.volume is self.layer and resolved in self.base:
            self.removed.add(resolved)
        place.volume.version += 1

    def move(self, source: str, target: str) -> None:
        """Rename, also between volumes; the open file stays the same one, as with rename(2) inside a volume."""
        resolved = self.resolve(source, follow=False)
        entry = self.entry(resolved)
        if entry is None:
            raise FileError(NO_ENTRY)
        place = self.writable(target)
        children = self.names(resolved) if isinstance(entry, Directory) else []
        place.volume.files[place.key] = entry
        for name in children:
            self.move(f"{resolved}/{name}", f"{place.path}/{name}")
        place.volume.version += 1
        self.remove(resolved)


@lru_cache(maxsize=1024)
def _above(key: str) -> tuple[str, ...]:
    """The directories above a relative path, outermost first."""
    parts = key.split("/")
    return tuple("/".join(parts[:length]) for length in range(1, len(parts)))


@lru_cache(maxsize=256)
def _own_directories(path: str, files: tuple[str, ...], mounted: tuple[str, ...]) -> tuple[str, ...]:
    """The directories of a ``PATH`` that hold a file of the layer, or that a mount is in or above."""

    def may_hold(directory: str) -> bool:
        inside = directory + "/"
        return any(name.startswith(inside[1:]) for name in files) or any(
            inside.startswith(mount + "/") or mount.startswith(inside) for mount in mounted
        )

    return tuple(directory for directory in path.split(":") if may_hold(directory))


def absolute(path: str, directory: str) -> str:
    """A path as seen from a working directory; ``.`` and ``..`` are left to :meth:`Filesystem.resolve`."""
    return path if path.startswith("/") else f"{directory.rstrip('/')}/{path}"
