"""YAML text into nodes that know their place, and nodes into plain values as kubectl reads them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any, Final, TypeAlias

import yaml
from yaml._yaml import CParser

from kubesim.errors import ScenarioError
from kubesim.objects.yaml_scalars import MOST_NESTED, PLAIN, TEXT, Scalar, key_text, resolve

_LARGEST_ALIASED: Final = 1_000_000
"""How many values aliases may stand for in one file; more is a bomb, not a manifest (go-yaml has such a limit, too)."""

KeyAndValue: TypeAlias = tuple[yaml.Node, yaml.Node]


class _Composer(CParser):
    """PyYAML's C parser with our own resolver: a scalar is plain or text, and its meaning is decided later."""

    def resolve(self, kind: type[yaml.Node], _value: str | None, implicit: Any) -> str:
        if kind is yaml.ScalarNode:
            return PLAIN if implicit[0] else TEXT
        return ""

    def descend_resolver(self, _parent: yaml.Node | None, _index: Any) -> None:
        """Nothing depends on where a value stands."""

    def ascend_resolver(self) -> None:
        """See ``descend_resolver``."""


_TEMPLATE: Final = "; {{ … }} is a template's: render it first (helm template)"
_LINE_OF_TEMPLATE: Final = re.compile(r"^\s*\{\{.*\}\}\s*$", re.MULTILINE)
"""A line that is nothing but a template's; in YAML it would be a mapping for a key."""


def compose(text: str, path: str) -> Iterator[yaml.Node]:
    """The root node of each document; an empty document is a plain empty scalar. Raises ScenarioError."""
    try:
        composer = _Composer(text)
        while composer.check_node():
            node = composer.get_node()
            if node is not None:
                yield node
    except RecursionError as error:
        raise too_deep(path, *_deepest(text)) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (None, None)
        problem = f"{error.problem} {error.context or ''}".strip()
        message = f"not YAML: {problem}{_TEMPLATE if _LINE_OF_TEMPLATE.search(text) else _way_out(problem)}"
        raise ScenarioError(message, path=path, line=line, column=column) from error
    except yaml.reader.ReaderError as error:
        line, column = _place(text, error.position)
        message = f"not YAML: {error.reason}; remove the control character"
        raise ScenarioError(message, path=path, line=line, column=column) from error


def too_deep(path: str, line: int, column: int) -> ScenarioError:
    """The error about values that lie too deep in one another."""
    message = f"values are nested more than {MOST_NESTED} deep; no Kubernetes object is"
    return ScenarioError(message, path=path, line=line, column=column)


def _deepest(text: str) -> tuple[int, int]:
    """Where a text first goes deeper than it may."""
    depth, place = 0, (1, 1)
    for event in yaml.parse(text, Loader=yaml.CLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if event.start_mark is not None:
                place = (event.start_mark.line + 1, event.start_mark.column + 1)
            if depth > MOST_NESTED:
                break
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    return place


def _place(text: str, position: int) -> tuple[int, int]:
    """Line and column of a byte of a text that the reader stumbled over."""
    before = text.encode("utf-8", "surrogatepass")[:position].decode("utf-8", "replace")
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def _way_out(problem: str) -> str:
    match problem:
        case text if "tab" in text or "cannot start any token" in text:
            return "; indent with spaces, not with tabs, and quote values that start with a special character"
        case text if "undefined alias" in text:
            return "; define it with & before its first use, in the same document"
        case text if "duplicate anchor" in text:
            return "; give each anchor of a document its own name"
        case _:
            return "; check indentation, brackets and quotes just before this place"


class Converter:
    """Nodes into plain values for one file; remembers what each plain spelling means."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._meaning: dict[str, Scalar] = {}
        self._open: set[int] = set()
        self._aliased = 0
        self._seen: set[int] = set()

    def value(self, node: yaml.Node) -> Any:
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        self._enter(node)
        value: Any = (
            self._mapping(node) if isinstance(node, yaml.MappingNode) else [self.value(item) for item in node.value]
        )
        self._open.discard(id(node))
        return value

    def _enter(self, node: yaml.Node) -> None:
        if id(node) in self._open:
            raise self._error("an anchor's value contains itself; break the circle", node)
        if len(self._open) >= MOST_NESTED:
            raise too_deep(self._path, node.start_mark.line + 1, node.start_mark.column + 1)
        if id(node) in self._seen:
            self._aliased += len(node.value)
            if self._aliased > _LARGEST_ALIASED:
                raise self._error("document contains excessive aliasing; write the values out", node)
        self._seen.add(id(node))
        self._open.add(id(node))

    def _scalar(self, node: yaml.ScalarNode) -> Scalar:
        text, tag = node.value, node.tag
        if tag == TEXT:
            return str(text)
        if tag == PLAIN and text in self._meaning:
            return self._meaning[text]
        try:
            meaning = resolve(text, tag)
        except ValueError as error:
            raise self._error(str(error), node) from error
        if isinstance(meaning, float) and not math.isfinite(meaning):
            raise self._error(f"{text} is no JSON number; give a finite number, or text in quotes", node)
        if tag == PLAIN:
            self._meaning[text] = meaning
        return meaning

    def _mapping(self, node: yaml.MappingNode) -> dict[str, Any]:
        result: dict[str, Any] = {}
        first_line: dict[str, int] = {}
        for key_node, value_node in node.value:
            if _is_merge(key_node):
                result.update(self._merged(value_node))
                continue
            key = self._key(key_node)
            if key in first_line:
                line = first_line[key]
                raise self._error(f'mapping key "{key}" already defined at line {line}; keep one of the two', key_node)
            first_line[key] = key_node.start_mark.line + 1
            result[key] = self.value(value_node)
        return result

    def _merged(self, node: yaml.Node) -> dict[str, Any]:
        """The fields of a merge key ``<<``; of a list, the earlier mapping wins.

        They are set where ``<<`` stands: keys written before it lose, as in go-yaml v2, and not as in the YAML draft.
        """
        sources = reversed(node.value) if isinstance(node, yaml.SequenceNode) else [node]
        merged: dict[str, Any] = {}
        for source in sources:
            if not isinstance(source, yaml.MappingNode):
                raise self._error("map merge requires map or sequence of maps as the value", source)
            merged.update(self.value(source))
        return merged

    def _key(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode):
            raise self._error(_not_a_key(node), node)
        if node.tag == TEXT:
            return str(node.value)
        try:
            return key_text(node.value, node.tag)
        except ValueError as error:
            raise self._error(str(error), node) from error

    def _error(self, message: str, node: yaml.Node) -> ScenarioError:
        mark = node.start_mark
        return ScenarioError(message, path=self._path, line=mark.line + 1, column=mark.column + 1)


def _not_a_key(node: yaml.Node) -> str:
    """What to do about a key that is no text; ``{{ … }}`` is a mapping whose only key is a mapping."""
    if isinstance(node, yaml.MappingNode) and node.flow_style:
        return "{{ … }} is a template's: render it first (helm template), or quote it if it is meant as text"
    return "a mapping or a list cannot be a key; write the key as text"


def _is_merge(key: yaml.Node) -> bool:
    return isinstance(key, yaml.ScalarNode) and key.value == "<<" and key.tag in (PLAIN, "tag:yaml.org,2002:merge")


def child(node: yaml.Node, step: str | int) -> KeyAndValue | None:
    """The nodes of a key and its value, or of an item (twice); of a merged key, where it was merged from."""
    if isinstance(node, yaml.SequenceNode):
        inside = isinstance(step, int) and 0 <= step < len(node.value)
        return (node.value[step], node.value[step]) if inside else None
    if not isinstance(node, yaml.MappingNode):
        return None
    for key, value in reversed(node.value):
        if _is_merge(key):
            sources = value.value if isinstance(value, yaml.SequenceNode) else [value]
            merged = next((found for source in sources if (found := child(source, step)) is not None), None)
            if merged is not None:
                return merged
        elif isinstance(key, yaml.ScalarNode) and _is_key(key, step):
            return key, value
    return None


def _is_key(key: yaml.ScalarNode, step: str | int) -> bool:
    return bool(key.value == step or (key.tag != TEXT and key_text(key.value, key.tag) == step))
