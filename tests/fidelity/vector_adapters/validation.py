"""Family ``validation``: defaulting, dropped fields, validation and warnings of a created Pod or Job."""

from __future__ import annotations

import re
from itertools import groupby
from typing import Any

from kubesim.releases import release
from kubesim.store.fields import decode
from kubesim.store.kinds import KINDS
from kubesim.store.prepare import prepare_job, prepare_pod

_MAPS = ("labels", "annotations", "nodeSelector")
_ADDRESS = re.compile(r"0xc[0-9a-f]{9}")


def run(vector: dict[str, Any], version: str) -> Any:
    """The object as the API server would store it, with its errors and warnings."""
    given = vector["input"]
    server = release(version, given.get("gates") or {}, component="apiserver")
    kind = KINDS["Pod" if vector["fn"] == "pod" else "Job"]
    body = decode(given["manifest"], kind, server)
    if body.error:
        raise ValueError(body.message(kind))
    if kind.name == "Pod":
        ready = prepare_pod(body.object, server, 0, lambda spec, annotations: spec)
    else:
        ready = prepare_job(body.object, server)
    hidden = ("apiVersion", "kind") if kind.name == "Pod" else ("apiVersion", "kind", "status")
    return {
        "object": {key: value for key, value in ready.object.items() if key not in hidden},
        "errors": [
            {"type": error.type, "field": error.field, "detail": error.detail, "text": error.text}
            for error in ready.errors
        ],
        "warnings": list(ready.warnings),
    }


def normalise(output: Any) -> Any:
    """Without what the recording removed (times) or cannot repeat (addresses, the order of a Go map)."""
    errors = [{**error, "text": _ADDRESS.sub("0xADDRESS", error["text"])} for error in output["errors"]]
    groups = [list(group) for _, group in groupby(errors, key=lambda error: error["field"])]
    errors = [error for group in groups for error in sorted(group, key=_of_one_map)]
    return {
        "object": _timeless(output["object"]),
        "errors": errors,
        "warnings": list(output.get("warnings") or ()),
    }


def _of_one_map(error: dict[str, Any]) -> str:
    """Complaints about the entries of a map come in the map's random order; all others keep theirs."""
    return error["text"] if error["field"].endswith(_MAPS) else ""


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _timeless(item)
            for key, item in value.items()
            if key not in ("lastProbeTime", "lastTransitionTime", "creationTimestamp")
        }
    return [_timeless(item) for item in value] if isinstance(value, list) else value
