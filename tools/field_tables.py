"""Distil which fields each release's API knows into ``kubesim/releases/field_tables/fields.json.gz``.

Run ``python tools/field_tables.py`` after upgrading ``kubernetes-validate`` (a development dependency: it carries the
JSON Schemas that Kubernetes publishes for each minor). ``--check`` only says whether the file is fresh.

The table: ``{"types": {type: {field: entry}}}``; an entry has ``type`` (an expression: ``string``, ``int32``,
``bool``, ``quantity``, ``[]core.v1.Container``, ``map[]string``, …), ``since``/``until`` (first and last minor with
the field, absent at the ends of the range), ``required``, and for strategic merge patches ``strategy`` and ``key``.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

from kubesim.releases.tables import FIRST_MINOR, LAST_MINOR
from kubesim.store.kinds import KINDS

TARGET = Path(__file__).parents[1] / "kubesim" / "releases" / "field_tables" / "fields.json.gz"
_PREFIXES = ("io.k8s.api.", "io.k8s.apimachinery.pkg.apis.", "io.k8s.apimachinery.pkg.", "io.k8s.")
_LEAVES = {
    "api.resource.Quantity": "quantity",
    "util.intstr.IntOrString": "intOrString",
    "meta.v1.Time": "time",
    "meta.v1.MicroTime": "time",
    "meta.v1.FieldsV1": "any",
    "runtime.RawExtension": "any",
}
_FORMATS = {"integer": "int32", "string": "string", "boolean": "bool", "number": "float64"}


def definitions(minor: int) -> dict[str, dict[str, Any]]:
    """The schema definitions of one release, by short name."""
    folder = files("kubernetes_validate").joinpath("kubernetes-json-schema", f"v1.{minor}.0-local")
    content = json.loads(folder.joinpath("_definitions.json").read_text(encoding="utf-8"))
    return {_short(name): body for name, body in (content.get("$defs") or content["definitions"]).items()}


def table() -> dict[str, Any]:
    """The merged table of all releases."""
    types: dict[str, dict[str, dict[str, Any]]] = {}
    for minor in range(FIRST_MINOR, LAST_MINOR + 1):
        known = definitions(minor)
        for name in sorted(_reachable(known)):
            _merge(types.setdefault(name, {}), known[name], minor)
    return {"types": {name: dict(sorted(fields.items())) for name, fields in sorted(types.items())}}


def rendered() -> bytes:
    """The file's content, the same on every machine."""
    text = json.dumps(table(), sort_keys=True, separators=(",", ":"))
    return gzip.compress(text.encode(), mtime=0)


def is_fresh() -> bool:
    """Whether the committed file is what the installed schemas give (compared unpacked: zlib builds differ)."""
    return TARGET.exists() and gzip.decompress(TARGET.read_bytes()) == gzip.decompress(rendered())


def _roots() -> Iterator[str]:
    for kind in KINDS.values():
        group = kind.group.split(".")[0] or "core"
        yield f"{group}.{kind.version}.{kind.name}"


def _reachable(known: dict[str, dict[str, Any]]) -> set[str]:
    found: set[str] = set()
    waiting = [name for name in _roots() if name in known]
    while waiting:
        name = waiting.pop()
        if name in found or name not in known:
            continue
        found.add(name)
        for field in known[name].get("properties", {}).values():
            inner = _type(field).replace("[]", "").replace("map", "")
            if "." in inner:
                waiting.append(inner)
    return found


def _merge(fields: dict[str, dict[str, Any]], body: dict[str, Any], minor: int) -> None:
    """Add one release's fields; what the newest release says of a field's type and merge key holds for all."""
    required = body.get("required", ())
    present = body.get("properties", {})
    for name, field in present.items():
        entry = fields.setdefault(name, {"since": minor} if minor > FIRST_MINOR else {})
        entry["type"] = _type(field)
        entry.pop("until", None)
        for key, source in (("strategy", "x-kubernetes-patch-strategy"), ("key", "x-kubernetes-patch-merge-key")):
            if source in field:
                entry[key] = field[source]
        entry.pop("required", None)
        if name in required:
            entry["required"] = True
    for name, entry in fields.items():
        if name not in present:
            entry.setdefault("until", minor - 1)


def _type(field: dict[str, Any]) -> str:
    if "$ref" in field:
        name = _short(field["$ref"].rpartition("/")[2])
        return _LEAVES.get(name, name)
    kind = field.get("type")
    kinds = [kind] if isinstance(kind, str) else [part for part in kind or () if part != "null"]
    if len(kinds) != 1:
        return "any"
    if kinds[0] == "array":
        return "[]" + _type(field["items"])
    if kinds[0] == "object":
        return "map[]" + _type(field["additionalProperties"]) if "additionalProperties" in field else "any"
    if kinds[0] == "string" and field.get("format") == "byte":
        return "bytes"
    named = field.get("format")
    return named if kinds[0] == "integer" and named else _FORMATS[kinds[0]]


def _short(name: str) -> str:
    for prefix in _PREFIXES:
        if name.startswith(prefix):
            return name.removeprefix(prefix)
    return name


def main() -> int:
    if "--check" in sys.argv[1:]:
        fresh = is_fresh()
        print(f"{TARGET.name} is {'fresh' if fresh else 'stale: run python tools/field_tables.py'}")
        return 0 if fresh else 1
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_bytes(rendered())
    print(f"{TARGET}: {TARGET.stat().st_size} bytes, {len(table()['types'])} types")
    return 0


if __name__ == "__main__":
    sys.exit(main())
