"""The field tables: what they say of known fields, and that the committed file is the generated one."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from kubesim.releases import RELEASES, release
from kubesim.releases.field_tables import field_table
from kubesim.store.kinds import KINDS

_TOOL = Path(__file__).parents[3] / "tools" / "field_tables.py"


def the_tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("field_tables_tool", _TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_committed_file_is_fresh() -> None:
    pytest.importorskip("kubernetes_validate")
    assert the_tool().is_fresh(), "run python tools/field_tables.py"


@pytest.mark.parametrize(
    ("type_", "name", "since"),
    [
        ("core.v1.Container", "restartPolicy", "1.28"),
        ("core.v1.Container", "restartPolicyRules", "1.34"),
        ("core.v1.LifecycleHandler", "sleep", "1.29"),
        ("core.v1.Lifecycle", "stopSignal", "1.33"),
        ("core.v1.PodStatus", "hostIPs", "1.28"),
        ("core.v1.PodStatus", "observedGeneration", "1.33"),
        ("batch.v1.JobSpec", "backoffLimitPerIndex", "1.28"),
        ("batch.v1.JobSpec", "podReplacementPolicy", "1.28"),
        ("batch.v1.JobSpec", "successPolicy", "1.30"),
        ("batch.v1.JobSpec", "managedBy", "1.30"),
    ],
)
def test_since_when_a_field_is_known(type_: str, name: str, since: str) -> None:
    """Section 6 of the versions rules."""
    known = [each for each in RELEASES if name in field_table(release(each, component="apiserver"))[type_]]
    assert known == list(RELEASES[RELEASES.index(since) :])


def test_merge_keys_and_zero_values() -> None:
    types = field_table(release("1.36", component="apiserver"))
    assert types["core.v1.PodSpec"]["containers"].merge_key == "name"
    assert types["core.v1.PodStatus"]["conditions"].merge_key == "type"
    assert types["core.v1.PodSpec"]["tolerations"].merge_key == ""
    assert types["core.v1.PodSpec"]["terminationGracePeriodSeconds"].keeps_zero
    assert not types["core.v1.PodSpec"]["hostNetwork"].keeps_zero
    assert types["core.v1.Container"]["imagePullPolicy"].shown == "v1.PullPolicy"


@pytest.mark.parametrize("name", RELEASES)
def test_every_served_kind_has_a_type(name: str) -> None:
    types = field_table(release(name, component="apiserver"))
    missing = [
        kind.name
        for kind in KINDS.values()
        if f"{(kind.group or 'core').split('.')[0]}.{kind.version}.{kind.name}" not in types
    ]
    assert missing == []


def test_the_hand_written_marks_name_existing_fields() -> None:
    """A field of marks.yaml that no release knows is a slip."""
    from kubesim.releases.field_tables import _marks

    known: dict[str, set[str]] = {}
    for name in RELEASES:
        for type_, fields in field_table(release(name, component="apiserver")).items():
            known.setdefault(type_.rpartition(".")[2], set()).update(fields)
    wrong = [
        f"{part}.{owner}.{name}"
        for part in ("pointers", "optional", "named")
        for owner, names in _marks()[part].items()
        for name in names
        if name not in known.get(owner, set())
    ]
    assert wrong == []
