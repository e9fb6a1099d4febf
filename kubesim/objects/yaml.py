"""Manifests into raw dicts: kubectl's dialect of YAML and JSON, with the line and column of every value.

The text is parsed once by PyYAML's C parser into nodes, each node resolved as kubectl would (``yaml_scalars``), and the
nodes dropped; positions are looked up by composing the text again, for only an error ever asks for one.

Departure: a key given twice is an error here, where kubectl lets the last one win in silence.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final, TypeAlias

import yaml

from kubesim.errors import ScenarioError
from kubesim.objects.yaml_json import as_yaml, split_json
from kubesim.objects.yaml_nodes import Converter, child, compose

MOST_BYTES: Final = 40 * 2**20
"""The largest file that is read: some 100,000 Pods."""

FieldPath: TypeAlias = tuple[str | int, ...]
"""Keys and indices from the top of an object: ("spec", "containers", 0, "image")."""

Position: TypeAlias = tuple[int, int]
"""Line and column, both from 1."""


@dataclass(frozen=True)
class Source:
    """The text of one file; knows the position of any value in it."""

    path: str
    text: str = field(repr=False)

    def values(self) -> Iterator[Any]:
        """The value of each document, whatever it is; None for an empty one."""
        if self._json is not None:
            yield from (value for _, value in self._json)
            return
        converter = Converter(self.path)
        for node in compose(self.text, self.path):
            yield converter.value(node)

    def position(self, index: int, path: FieldPath, *, at_key: bool = False) -> Position:
        """Where the value at ``path`` of the ``index``-th document starts, or its nearest parent that exists.

        ``at_key`` asks for the start of its key instead: the place to show for a field that should not be there.
        """
        (line, column), node = self._nodes[index]
        place = node
        for step in path:
            if (found := child(node, step)) is None:
                break
            key, node = found
            place = key if at_key else node
        mark = place.start_mark
        return line + mark.line + 1, mark.column + 1 + (0 if mark.line else column)

    @cached_property
    def _json(self) -> list[tuple[int, Any]] | None:
        return split_json(self.text)

    @cached_property
    def _nodes(self) -> list[tuple[Position, yaml.Node]]:
        """The root node of each document, and the position it is counted from."""
        if self._json is None:
            return [((0, 0), node) for node in compose(self.text, self.path)]
        ends = [start for start, _ in self._json[1:]] + [len(self.text)]
        nodes = []
        for (start, _), end in zip(self._json, ends, strict=True):
            origin = self.text.count("\n", 0, start), start - (self.text.rfind("\n", 0, start) + 1)
            nodes.append((origin, next(compose(as_yaml(self.text[start:end]), self.path))))
        return nodes


@dataclass(frozen=True)
class Document:
    """One Kubernetes object of a file: its raw dict, and where each of its values stands."""

    raw: dict[str, Any]
    source: Source = field(repr=False)
    index: int
    base: FieldPath = ()
    """Where the object lies inside its document: empty, or ("items", n) of a List."""

    @property
    def api_version(self) -> str:
        return str(self.raw["apiVersion"])

    @property
    def kind(self) -> str:
        return str(self.raw["kind"])

    @property
    def name(self) -> str:
        metadata = self.raw.get("metadata")
        return str(metadata.get("name", "")) if isinstance(metadata, dict) else ""

    def position(self, path: FieldPath = (), *, at_key: bool = False) -> Position:
        """Line and column of the value (or the key) at ``path``, or of the nearest parent that is there."""
        return self.source.position(self.index, (*self.base, *path), at_key=at_key)

    def error(self, message: str, path: FieldPath = (), *, at_key: bool = False) -> ScenarioError:
        """The error to raise about the value (or the key) at ``path``; the message ends with the way out."""
        line, column = self.position(path, at_key=at_key)
        return ScenarioError(message, path=self.source.path, line=line, column=column, field=field_text(path) or None)


def field_text(path: FieldPath) -> str:
    """A path as Kubernetes writes it: ``spec.containers[0].image``; a key with dots stands in brackets."""
    text = ""
    for step in path:
        if isinstance(step, int) or "." in step or "/" in step:
            text += f"[{step}]"
        else:
            text += f".{step}" if text else step
    return text


def load_documents(path: str | Path | io.TextIOBase) -> list[Document]:
    """The objects of a file, of an open text stream, or of standard input ("-"), Lists taken apart, in order.

    Raises ScenarioError, with path, line and column, for what cannot be read or is no Kubernetes object.
    """
    return documents_of(read_source(path))


def read_source(path: str | Path | io.TextIOBase) -> Source:
    """The text of a file, of a stream, or of standard input ("-")."""
    if isinstance(path, io.TextIOBase):
        return Source(str(getattr(path, "name", "<stream>")), path.read().removeprefix("\ufeff"))
    if str(path) == "-":
        return _decoded("STDIN", sys.stdin.buffer.read(MOST_BYTES + 1))
    try:
        with Path(str(path)).open("rb") as file:
            return _decoded(str(path), file.read(MOST_BYTES + 1))
    except OSError as error:
        raise ScenarioError(
            f"cannot read the file: {error.strerror}; give a YAML or JSON file, or - for standard input", path=str(path)
        ) from error


def _decoded(path: str, content: bytes) -> Source:
    if len(content) > MOST_BYTES:
        message = f"the file has more than {MOST_BYTES // 2**20} MiB; leave objects out"
        raise ScenarioError(message, path=path, line=1, column=1)
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return Source(path, content.decode(encoding))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        message = "not UTF-8 text; save the file as UTF-8"
        raise ScenarioError(message, path=path, line=line, column=column) from error


def documents_of(source: Source) -> list[Document]:
    """The objects of a text, in order; empty documents are passed over, Lists are taken apart."""
    documents: list[Document] = []
    for index, value in enumerate(source.values()):
        if value is not None:
            documents.extend(objects_in(Document(value, source, index)))
    return documents


def objects_in(document: Document, default_kind: tuple[str, str] | None = None) -> Iterator[Document]:
    """The object, or the items of a List; an item of a PodList need not say that it is a Pod (``UnstructuredList``)."""
    raw = document.raw
    if not isinstance(raw, dict):
        raise document.error(f"a document must be a mapping with apiVersion and kind, and this one is {_shape(raw)}")
    if default_kind and not raw.get("kind") and not raw.get("apiVersion"):
        raw = {"apiVersion": default_kind[0], "kind": default_kind[1], **raw}
        document = Document(raw, document.source, document.index, document.base)
    for key, example in (("apiVersion", "v1"), ("kind", "Pod")):
        value = raw.get(key)
        if not isinstance(value, str) or not value:
            problem = "is missing" if not value else f"must be text, and is {_shape(value)}"
            name = "Kind" if key == "kind" else key
            raise document.error(f"Object '{name}' {problem}; write, for example, {key}: {example}", (key,))
    items = raw.get("items")
    if not raw["kind"].endswith("List") or (items is None and raw["kind"] != "List"):
        yield document
        return
    if items is not None and not isinstance(items, list):
        raise document.error(f"items of a {raw['kind']} must be a list, and is {_shape(items)}", ("items",))
    item_kind = raw["kind"].removesuffix("List")
    for number, item in enumerate(items or ()):
        part = Document(item, document.source, document.index, (*document.base, "items", number))
        yield from objects_in(part, (raw["apiVersion"], item_kind) if item_kind else None)


def _shape(value: object) -> str:
    match value:
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case None:
            return "empty"
        case _:
            return "text"
