"""Validation of a Job's pod failure policy and success policy.

Source: ``pkg/apis/batch/validation/validation.go``: validatePodFailurePolicy, validateSuccessPolicy,
validateIndexesFormat.
"""

from __future__ import annotations

import re
from typing import Any, Final, TypeAlias

from kubesim.releases import Release
from kubesim.store import formats
from kubesim.store.field_errors import (
    INVALID,
    TOO_LONG,
    FieldError,
    duplicate,
    each,
    invalid,
    not_supported,
    required,
    shown,
    too_many,
)
from kubesim.store.go_values import as_json, go_list, go_pointer, speaks_json

Json: TypeAlias = dict[str, Any]

_ACTIONS: Final = ("Count", "FailIndex", "FailJob", "Ignore")
_OPERATORS: Final = ("In", "NotIn")
_STATUSES: Final = ("False", "True", "Unknown")
_RULES: Final = 20
_CODES: Final = 255
_PATTERNS: Final = 20
_INDEXES_BYTES: Final = 64 * 1024


def failure_policy_errors(spec: Json, path: str, release: Release) -> list[FieldError]:
    """The errors of ``podFailurePolicy``."""
    rules = spec["podFailurePolicy"].get("rules") or []
    pod = (spec.get("template") or {}).get("spec") or {}
    names = {entry.get("name", "") for key in ("initContainers", "containers") for entry in pod.get(key) or ()}
    errors = [too_many(f"{path}.rules", len(rules), _RULES)] if len(rules) > _RULES else []
    for i, rule in enumerate(rules):
        errors += _failure_rule_errors(rule, f"{path}.rules[{i}]", spec, names, release)
    return errors


def _failure_rule_errors(rule: Json, path: str, spec: Json, names: set[str], release: Release) -> list[FieldError]:
    action, codes, patterns = rule.get("action", ""), rule.get("onExitCodes"), rule.get("onPodConditions") or []
    errors = []
    if not action:
        errors.append(required(f"{path}.action", _valid(_ACTIONS)))
    elif action == "FailIndex":
        if spec.get("backoffLimitPerIndex") is None:
            errors.append(invalid(f"{path}.action", action, "requires the backoffLimitPerIndex to be set"))
    elif action not in _ACTIONS:
        errors.append(not_supported(f"{path}.action", action, _ACTIONS))
    if codes is not None:
        errors += _exit_code_errors(codes, f"{path}.onExitCodes", names, release)
    errors += _pattern_errors(patterns, f"{path}.onPodConditions", release)
    if codes is not None and patterns:
        errors.append(FieldError(INVALID, path, "specifying both OnExitCodes and OnPodConditions is not supported"))
    if codes is None and not patterns:
        errors.append(FieldError(INVALID, path, "specifying one of OnExitCodes and OnPodConditions is required"))
    return errors


def _exit_code_errors(codes: Json, path: str, names: set[str], release: Release) -> list[FieldError]:
    operator, container, values = codes.get("operator", ""), codes.get("containerName"), codes.get("values") or []
    errors = []
    if not operator:
        errors.append(required(f"{path}.operator", _valid(_OPERATORS)))
    elif operator not in _OPERATORS:
        errors.append(not_supported(f"{path}.operator", operator, _OPERATORS))
    if container is not None and container not in names:
        detail = "must be one of the container or initContainer names in the pod template"
        errors.append(invalid(f"{path}.containerName", container, detail))
    shown = as_json(values) if speaks_json(release) else go_list("int32", values)
    if not values:
        errors.append(FieldError(INVALID, f"{path}.values", "at least one value is required", shown))
    elif len(values) > _CODES:
        errors.append(too_many(f"{path}.values", len(values), _CODES))
    seen: set[int] = set()
    for i, value in enumerate(values):
        here = f"{path}.values[{i}]"
        if operator == "In" and value == 0:
            errors.append(invalid(here, value, "must not be 0 for the In operator"))
        if value in seen:
            errors.append(duplicate(here, value))
        seen.add(value)
    if values != sorted(values):
        errors.append(FieldError(INVALID, f"{path}.values", "must be ordered", shown))
    return errors


def _pattern_errors(patterns: list[Json], path: str, release: Release) -> list[FieldError]:
    errors = [too_many(path, len(patterns), _PATTERNS)] if len(patterns) > _PATTERNS else []
    unit = release.text("label_too_long_unit")
    for i, pattern in enumerate(patterns):
        kind, status = pattern.get("type", ""), pattern.get("status", "")
        errors += each(f"{path}[{i}].type", kind, formats.qualified_name(kind, unit))
        if not status:
            errors.append(required(f"{path}[{i}].status", _valid(_STATUSES)))
        elif status not in _STATUSES:
            errors.append(not_supported(f"{path}[{i}].status", status, _STATUSES))
    return errors


def success_policy_errors(spec: Json, path: str, release: Release) -> list[FieldError]:
    """The errors of ``successPolicy``, which only Indexed Jobs may have."""
    rules = spec["successPolicy"].get("rules") or []
    if spec.get("completionMode") != "Indexed":
        shown = success_policy_shown(rules, release)
        return [FieldError(INVALID, path, "requires indexed completion mode", shown)]
    errors = []
    if not rules:
        detail = "at least one rules must be specified when the successPolicy is specified"
        errors.append(required(f"{path}.rules", detail))
    if len(rules) > _RULES:
        errors.append(too_many(f"{path}.rules", len(rules), _RULES))
    for i, rule in enumerate(rules):
        errors += _success_rule_errors(rule, f"{path}.rules[{i}]", spec.get("completions") or 0, release)
    return errors


def _success_rule_errors(rule: Json, path: str, completions: int, release: Release) -> list[FieldError]:
    count, indexes = rule.get("succeededCount"), rule.get("succeededIndexes")
    errors, total = [], 0
    if count is None and indexes is None:
        detail = "at least one of succeededCount or succeededIndexes must be specified"
        errors.append(required(path, detail))
    if indexes is not None:
        field = f"{path}.succeededIndexes"
        if len(indexes) > _INDEXES_BYTES:
            errors.append(FieldError(TOO_LONG, field, release.text("too_long").format(limit=_INDEXES_BYTES)))
        try:
            total = _number_of_indexes(indexes, completions)
        except _BadIndexes as problem:
            errors.append(invalid(field, indexes, f"error parsing succeededIndexes: {problem}"))
    if count is not None:
        field = f"{path}.succeededCount"
        if count < 0:
            errors.append(invalid(field, count, "must be greater than or equal to 0"))
        if count > completions:
            detail = f"must be less than or equal to {completions} (the number of specified completions)"
            errors.append(invalid(field, count, detail))
        if indexes is not None and count > total:
            what = "the number of indexes in the specified succeededIndexes field"
            errors.append(invalid(field, count, f"must be less than or equal to {total} ({what})"))
    return errors


class _BadIndexes(ValueError):
    """A text that lists no indexes; the message is the API server's."""


def _number_of_indexes(text: str, completions: int) -> int:
    """How many indexes a text such as ``0-2,5`` names."""
    total, last = 0, -1
    for part in text.split(",") if text else ():
        limits = part.split("-")
        if len(limits) > 2:
            raise _BadIndexes(
                f'the fragment "{part}" violates the requirement that an index interval can have at most two parts '
                "separated by '-'"
            )
        first = _index(limits[0], completions)
        final = first
        if len(limits) == 2:
            final = _index(limits[1], completions)
            if first >= final:
                raise _BadIndexes(f"non-increasing order, previous: {first}, current: {final}")
        if last >= first:
            raise _BadIndexes(f"non-increasing order, previous: {last}, current: {first}")
        total, last = total + final - first + 1, final
    return total


def _index(text: str, completions: int) -> int:
    if not re.fullmatch(r"[+-]?\d+", text):
        raise _BadIndexes(f'cannot convert string to integer for index: "{text}"')
    if int(text) >= completions:
        raise _BadIndexes(f'too large index: "{text}"')
    return int(text)


def _valid(choices: tuple[str, ...]) -> str:
    """``valid values: ["In" "NotIn"]``."""
    return "valid values: [" + " ".join(shown(choice) for choice in choices) + "]"


def success_policy_shown(rules: list[Json], release: Release) -> str:
    """A success policy as an error prints it: the server's own form of it, whose JSON has capitals."""
    if speaks_json(release):
        internal = [
            {"SucceededIndexes": rule.get("succeededIndexes"), "SucceededCount": rule.get("succeededCount")}
            for rule in rules
        ]
        return as_json({"Rules": internal})
    return f"batch.SuccessPolicy{{Rules:{go_list('batch.SuccessPolicyRule', rules, _rule_shown)}}}"


def _rule_shown(rule: Json) -> str:
    indexes = go_pointer("string", rule.get("succeededIndexes"))
    count = go_pointer("int32", rule.get("succeededCount"))
    return f"batch.SuccessPolicyRule{{SucceededIndexes:{indexes}, SucceededCount:{count}}}"
