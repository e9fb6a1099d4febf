"""Names of releases, patches with their bugs, policies, texts and constants."""

from __future__ import annotations

import copy
import pickle
import string
from typing import Any

import pytest

from kubesim.errors import ReleaseError
from kubesim.releases import COMPONENTS, RELEASES, Component, fields, release
from kubesim.releases.gates import all_gate_names
from kubesim.releases.tables import load, parse_point, rows_of
from kubesim.units import MINUTE, SECOND

TABLES = ("policies", "texts", "constants")


def test_the_ten_releases() -> None:
    assert RELEASES == ("1.27", "1.28", "1.29", "1.30", "1.31", "1.32", "1.33", "1.34", "1.35", "1.36")
    assert [part.value for part in COMPONENTS] == ["apiserver", "controller-manager", "scheduler", "kubelet"]


@pytest.mark.parametrize(
    ("text", "minor", "patch"), [("1.29", 29, None), ("1.29.0", 29, 0), ("v1.29.14", 29, 14), ("1.36", 36, None)]
)
def test_names(text: str, minor: int, patch: int | None) -> None:
    made = release(text)
    assert (made.minor, made.patch) == (minor, patch)
    assert made.name == text.removeprefix("v")


@pytest.mark.parametrize("text", ["1.26", "1.37", "29", "1.29.x", "latest", "1.2٩"])
def test_an_unknown_release_names_the_others(text: str) -> None:
    with pytest.raises(ReleaseError) as caught:
        release(text)
    assert str(caught.value).startswith(f'release "{text}" is unknown; choose one of 1.27, 1.28,')


def test_components() -> None:
    assert release("1.29").component is Component.KUBELET
    assert release("1.29", component="kube-apiserver").component is Component.APISERVER
    with pytest.raises(ReleaseError, match='component "etcd" is unknown; choose one of apiserver, controller-manager'):
        release("1.29", component="etcd")


def test_a_release_is_one_value() -> None:
    made = release("1.28", {"SidecarContainers": True}, bugs={"pod_ip_lost_at_termination": True})
    assert made == release("1.28", {"SidecarContainers": True}, bugs={"pod_ip_lost_at_termination": True})
    assert made != release("1.28") != release("1.28.0")
    assert len({made, release("1.28", {"SidecarContainers": True})}) == 2
    assert copy.deepcopy(made) is made
    again = pickle.loads(pickle.dumps(made))
    assert again == made
    assert again.enabled("SidecarContainers")
    assert again.has_bug("pod_ip_lost_at_termination")


BUGS: list[tuple[str, list[str], list[str]]] = [
    ("ordering_waits_for_absent_sidecars",
     ["1.29.0", "1.29.7", "1.30.0", "1.30.1"], ["1.27", "1.28", "1.29", "1.29.8", "1.30", "1.31.0", "1.36"]),
    ("explicit_zero_grace_is_full_grace",
     ["1.27", "1.28", "1.29", "1.29.0", "1.30.0", "1.30.1"], ["1.30", "1.31.0", "1.33", "1.36"]),
    ("created_init_left_alone",
     ["1.28", "1.29.0", "1.30.1", "1.31.0"], ["1.27", "1.29", "1.30", "1.31", "1.31.1", "1.32.0", "1.36"]),
    ("pod_ip_lost_at_termination",
     ["1.27", "1.28.2", "1.29.0", "1.30.0"], ["1.28", "1.29", "1.30", "1.31.0", "1.36"]),
    ("sidecar_status_stuck_terminated", ["1.28.7", "1.29.2"], ["1.27", "1.28", "1.29", "1.30.0", "1.36"]),
    ("sidecar_probes_end_in_never_pods",
     ["1.28", "1.29", "1.32", "1.33.0", "1.34.0"], ["1.27", "1.33", "1.34", "1.35.0", "1.36"]),
    ("init_order_lost_in_new_sandbox", ["1.28.0", "1.28.1"], ["1.27", "1.28", "1.28.2", "1.29.0", "1.36"]),
    ("mains_forgotten_after_kubelet_restart", ["1.35.0", "1.35.3"], ["1.34", "1.35", "1.36.0", "1.36"]),
]  # fmt: skip


@pytest.mark.parametrize(("bug", "having", "free"), BUGS)
def test_which_patches_have_a_bug(bug: str, having: list[str], free: list[str]) -> None:
    assert [text for text in having if not release(text).has_bug(bug)] == []
    assert [text for text in free if release(text).has_bug(bug)] == []


def test_every_bug_is_tested() -> None:
    assert {bug for bug, _, _ in BUGS} == set(load("bugs"))


def test_bugs_can_be_switched() -> None:
    bug = "explicit_zero_grace_is_full_grace"
    assert not release("1.29", bugs={bug: False}).has_bug(bug)
    assert release("1.36", bugs={bug: True}).has_bug(bug)
    with pytest.raises(ReleaseError, match='bug "explicit_zero_grace" is unknown; did you mean'):
        release("1.29", bugs={"explicit_zero_grace": True})
    with pytest.raises(ReleaseError, match='bug "no_such" is in no release'):
        release("1.29").has_bug("no_such")


POLICIES: list[tuple[str, str, dict[str, bool], Any]] = [
    # K-40, K-58, and the path table of the vectors
    ("init_algorithm", "1.27", {}, "legacy"),
    ("init_algorithm", "1.28", {}, "legacy"),
    ("init_algorithm", "1.28", {"SidecarContainers": True}, "sidecar"),
    ("init_algorithm", "1.29.0", {}, "sidecar"),
    ("init_algorithm", "1.29", {}, "sidecar_for_pods_with_sidecar"),
    ("init_algorithm", "1.29", {"SidecarContainers": False}, "legacy"),
    ("init_algorithm", "1.30.1", {}, "sidecar"),
    ("init_algorithm", "1.32", {}, "sidecar_for_pods_with_sidecar"),
    ("init_algorithm", "1.33", {}, "sidecar"),
    ("init_algorithm", "1.33", {"LegacySidecarContainers": True}, "sidecar_for_pods_with_sidecar"),
    ("init_algorithm", "1.34", {}, "sidecar"),
    # S-4
    ("initialization_pending", "1.27", {}, "any_pending_init"),
    ("initialization_pending", "1.31", {}, "none_started_by_status"),
    ("initialization_pending", "1.32", {}, "init_or_none_started_by_status"),
    ("initialization_pending", "1.33", {}, "init_or_none_in_sandbox"),
    # K-72, K-75
    ("kill_budget", "1.27", {}, "override_last"),
    ("kill_budget", "1.28", {}, "shared"),
    ("termination_order", "1.28", {"SidecarContainers": True}, "none"),
    ("termination_order", "1.29", {}, "sidecars_last"),
    ("termination_order", "1.29", {"SidecarContainers": False}, "none"),
    # K-96
    ("probe_worker_ends_when", "1.33", {}, "pod_policy_never"),
    ("probe_worker_ends_when", "1.34", {"ContainerRestartRules": True}, "never"),
    ("probe_worker_ends_when", "1.36", {}, "container_will_not_restart"),
    # K-120
    ("restart_decision", "1.34", {}, "pod"),
    ("restart_decision", "1.35", {}, "container"),
    # K-84, K-85
    ("hard_eviction_override_seconds", "1.29", {}, 0),
    ("hard_eviction_override_seconds", "1.33", {}, 1),
    ("soft_eviction_grace", "1.31", {}, "configured"),
    ("soft_eviction_grace", "1.32", {}, "lesser_of_configured_and_pod"),
    ("soft_eviction_grace", "1.32", {"AllowOverwriteTerminationGracePeriodSeconds": True}, "configured"),
    # K-2, S-9, S-16
    ("relist_after_actions", "1.36", {}, True),
    ("relist_after_actions", "1.36", {"PLEGOnDemandRelist": False}, False),
    ("sandbox_condition_type", "1.27", {}, ""),
    ("sandbox_condition_type", "1.27", {"PodHasNetworkCondition": True}, "PodHasNetwork"),
    ("sandbox_condition_type", "1.28", {}, ""),
    ("sandbox_condition_type", "1.29", {}, "PodReadyToStartContainers"),
    ("conditions_carry_observed_generation", "1.33", {}, False),
    ("conditions_carry_observed_generation", "1.34", {}, True),
    # C-20, C-22a, C-23, C-66, C-83
    ("init_restart_policy_at_apiserver", "1.27", {}, "unknown"),
    ("init_restart_policy_at_apiserver", "1.28", {}, "drop"),
    ("init_restart_policy_at_apiserver", "1.33", {}, "always_only"),
    ("init_restart_policy_at_apiserver", "1.36", {}, "any_policy"),
    ("main_restart_policy_at_apiserver", "1.33", {}, "forbid"),
    ("main_restart_policy_at_apiserver", "1.34", {}, "drop"),
    ("sidecar_pods_unschedulable", "1.28", {}, True),
    ("sidecar_pods_unschedulable", "1.29", {}, False),
    ("printer_terminating", "1.30", {}, "always"),
    ("printer_terminating", "1.31", {}, "unless_terminal"),
    # J-31, J-47
    ("job_terminal_condition", "1.30", {}, "at_once"),
    ("job_terminal_condition", "1.31", {}, "after_pods_terminated"),
    ("job_terminal_condition", "1.31", {"JobPodReplacementPolicy": False}, "at_once"),
    ("job_terminal_condition", "1.33", {"JobPodReplacementPolicy": False}, "after_pods_terminated"),
]


@pytest.mark.parametrize(("name", "text", "gates", "value"), POLICIES)
def test_policies(name: str, text: str, gates: dict[str, bool], value: Any) -> None:
    assert release(text, gates).policy(name) == value


@pytest.mark.parametrize("text", [*RELEASES, *(f"{text}.0" for text in RELEASES)])
def test_every_entry_has_a_value_in_every_release(text: str) -> None:
    made = release(text)
    assert [set(column) for column in (made.policies, made.texts, made.constants)] == [set(load(t)) for t in TABLES]


@pytest.mark.parametrize("table", TABLES)
def test_rows_stand_in_order_and_name_real_gates(table: str) -> None:
    for name, entry in load(table).items():
        starts = [parse_point(row["since"]) for row in rows_of(entry)]
        assert starts == sorted(set(starts)), name
        assert starts[0] == (27, 0), name
        for row in rows_of(entry):
            assert {*row.get("when_on", ()), *row.get("when_off", ())} <= all_gate_names(), name


def test_every_policy_says_what_its_words_mean() -> None:
    for name, entry in load("policies").items():
        assert entry["summary"], name
        assert entry["rules"], name
        assert entry["source"], name
        values = {
            value
            for row in entry["values"]
            for value in (row["value"], *row.get("when_on", {}).values(), *row.get("when_off", {}).values())
            if isinstance(value, str) and name != "metrics_stability"
        }
        assert values == set(entry.get("meanings", ())), name


@pytest.mark.parametrize(
    ("name", "text", "gates", "template"),
    [
        ("Created", "1.28", {}, "Created container {container}"),
        ("Created", "1.29.0", {}, "Created container {container}"),
        ("Created", "1.29", {}, "Created container: {container}"),
        ("Created", "1.30.1", {}, "Created container {container}"),
        ("Created", "1.32.0", {}, "Created container: {container}"),
        ("Created", "1.35", {}, "Container created"),
        ("Started", "1.34", {}, "Started container {container}"),
        ("Started", "1.36", {}, "Container started"),
        ("Pulled_present", "1.36", {},
         'Container image "{image}" already present on machine and can be accessed by the pod'),
        ("Pulled_present", "1.34", {}, 'Container image "{image}" already present on machine'),
        ("Unhealthy_error", "1.32", {}, "{probe} probe errored: {error}"),
        ("Unhealthy_error", "1.33", {}, "{probe} probe errored and resulted in {state} state: {error}"),
        ("init_without_restart_policy", "1.27", {}, "Forbidden: may not be set for init containers"),
        ("sleep_out_of_range", "1.29", {},
         "must be greater than 0 and less than terminationGracePeriodSeconds ({grace})"),
        ("sleep_out_of_range", "1.33", {},
         "must be non-negative and less than terminationGracePeriodSeconds ({grace})"),
        ("untolerated_taint", "1.34", {}, "node(s) had untolerated taint(s)"),
    ],
)  # fmt: skip
def test_texts(name: str, text: str, gates: dict[str, bool], template: str) -> None:
    assert release(text, gates).text(name) == template


def test_texts_can_be_filled_in() -> None:
    """A template of a later release may leave places out, but never uses braces by mistake."""
    for text in RELEASES:
        for name, template in release(text).texts.items():
            places = {place for _, place, _, _ in string.Formatter().parse(template) if place is not None}
            filled = template.format(**dict.fromkeys(places, "x"))
            assert all(place.isidentifier() for place in places), name
            assert name == "untolerated_taint" or "{" not in filled, name
    taint = release("1.33").text("untolerated_taint").format(key="a", value="b")
    assert taint == "node(s) had untolerated taint {a: b}"


REDUCED = {"ReduceDefaultCrashLoopBackOffDecay": True}


@pytest.mark.parametrize(
    ("name", "text", "gates", "number"),
    [
        ("pleg_relist_period", "1.29", {}, SECOND),
        ("volume_wait", "1.29", {}, 123 * SECOND),
        ("minimum_stop_grace_seconds", "1.36", {}, 2),
        ("crash_backoff_initial", "1.36", {}, 10 * SECOND),
        ("crash_backoff_max", "1.36", {}, 5 * MINUTE),
        ("crash_backoff_initial", "1.36", REDUCED, SECOND),
        ("crash_backoff_max", "1.36", REDUCED, 5 * MINUTE),
        ("crash_backoff_max", "1.34", REDUCED, MINUTE),
        ("job_pod_backoff_max", "1.27", {}, 6 * MINUTE),
        ("job_pod_backoff_max", "1.28", {}, 10 * MINUTE),
    ],
)
def test_constants(name: str, text: str, gates: dict[str, bool], number: int) -> None:
    assert release(text, gates).constant(name) == number


def test_all_constants_are_numbers() -> None:
    assert all(type(number) is int for text in RELEASES for number in release(text).constants.values())


@pytest.mark.parametrize("ask", ["policy", "text", "constant"])
def test_an_unknown_name_is_our_bug(ask: str) -> None:
    with pytest.raises(ReleaseError, match=f'{ask} "no_such" is in no release'):
        getattr(release("1.29"), ask)("no_such")


@pytest.mark.parametrize(
    ("text", "gates", "kind", "path", "known", "dropped"),
    [
        ("1.27", {}, "Pod", "spec.initContainers[].restartPolicy", False, False),
        ("1.28", {}, "Pod", "spec.initContainers[].restartPolicy", True, True),
        ("1.28", {"SidecarContainers": True}, "Pod", "spec.initContainers[].restartPolicy", True, False),
        ("1.28", {}, "Pod", "spec.containers[].lifecycle.preStop.sleep", False, False),
        ("1.29", {}, "Pod", "spec.containers[].lifecycle.preStop.sleep", True, True),
        ("1.30", {}, "Pod", "spec.containers[].lifecycle.preStop.sleep", True, False),
        ("1.36", {}, "Pod", "spec.containers[].lifecycle.stopSignal", True, True),
        ("1.29", {}, "Job", "spec.successPolicy", False, False),
        ("1.30", {}, "Job", "spec.successPolicy", True, True),
        ("1.31", {}, "Job", "spec.successPolicy", True, False),
        ("1.33", {}, "Job", "spec.podFailurePolicy", True, False),
    ],
)
def test_fields(text: str, gates: dict[str, bool], kind: str, path: str, known: bool, dropped: bool) -> None:
    """versions.md section 6."""
    found = {field.path: field for field in fields(release(text, gates, component="apiserver"), kind)}[path]
    assert (found.known, found.dropped) == (known, dropped)


def test_fields_name_real_gates() -> None:
    gates = {field.gate for kind in ("Pod", "Job") for field in fields(release("1.36"), kind)}
    assert gates - {None} <= all_gate_names()
