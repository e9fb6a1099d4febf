"""Where guarantees hold, asked of gates and policies; and what real kubelets are known not to keep."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from kubesim.guarantees.story import PodStory
from kubesim.guarantees.verdicts import NotKept, Scope
from kubesim.history.lives import Run

SIDECARS: Final = Scope(
    "kubelets that know sidecars: 1.28 with the gate, 1.29+",
    lambda api, kubelet: bool(kubelet.policy("sidecar_field_at_kubelet") == "honour"),
)
ORDERED_STOP: Final = Scope(
    "kubelets that stop sidecars last: 1.29+",
    lambda api, kubelet: bool(kubelet.policy("termination_order") == "sidecars_last"),
)
UNORDERED_STOP: Final = Scope(
    "kubelets that know sidecars, and no order: 1.28 with the gate",
    lambda api, kubelet: bool(
        kubelet.policy("sidecar_field_at_kubelet") == "honour" and kubelet.policy("termination_order") == "none"
    ),
)
SIDECARS_UNKNOWN: Final = Scope(
    "kubelets that do not know the field: 1.27",
    lambda api, kubelet: bool(kubelet.policy("sidecar_field_at_kubelet") == "unknown"),
)
SIDECARS_REFUSED: Final = Scope(
    "kubelets with the gate off: 1.28 to 1.32",
    lambda api, kubelet: bool(kubelet.policy("sidecar_field_at_kubelet") == "reject"),
)
FIELD_DROPPED: Final = Scope(
    "API servers without the gate: 1.27, and 1.28 to 1.32 with it off",
    lambda api, kubelet: not api.enabled("SidecarContainers"),
)


def gate(name: str, words: str, *, api: bool = False) -> Scope:
    """The guarantee holds where a gate is on, at the kubelet or at the API server."""
    return Scope(words, lambda server, kubelet: (server if api else kubelet).enabled(name))


def _sidecar_ran_again(pod: PodStory) -> bool:
    return any(len(sidecar.runs) > 1 for sidecar in pod.sidecars)


def _sidecar_is_absent(pod: PodStory) -> bool:
    return any(not sidecar.alive(pod.begin) for sidecar in pod.sidecars)


def _grace_is_zero(pod: PodStory) -> bool:
    return any(not deletion.grace for deletion in pod.deletions)


def _bug(name: str, why: str, where: Callable[[PodStory], bool]) -> NotKept:
    """Not kept by the patches that have a known bug, for such Pods."""
    return NotKept(why, lambda kubelet: kubelet.has_bug(name), where)


PROBES_END: Final = _bug(
    "sidecar_probes_end_in_never_pods",
    "in a Pod with restartPolicy Never the probe workers of a sidecar end with its first run (issue 132826)",
    lambda pod: pod.policy == "Never" and _sidecar_ran_again(pod),
)
STATUS_STUCK: Final = _bug(
    "sidecar_status_stuck_terminated",
    "the status of a sidecar that has exited cannot change any more under Never or OnFailure",
    lambda pod: pod.policy != "Always" and _sidecar_ran_again(pod),
)
WAITS_FOR_ABSENT: Final = _bug(
    "ordering_waits_for_absent_sidecars",
    "a sidecar that does not run is waited for, so that those before it get no turn within the grace (issue 125880)",
    _sidecar_is_absent,
)
ZERO_GRACE: Final = _bug(
    "explicit_zero_grace_is_full_grace",
    "an explicit grace of 0 is mistaken for none, and becomes the Pod's own",
    _grace_is_zero,
)
OLD_MAINS_COUNT: Final = NotKept(
    "in a new sandbox a main that has exited in the old one is taken for a sign that the Pod was initialized",
    lambda kubelet: bool(kubelet.policy("exited_main_counts_as_initialized")),
    lambda pod: len(pod.windows) > 1,
)


def _post_start_goes_on(pod: PodStory) -> bool:
    """Whether a hook that was running at the deletion still is in the end, and the kubelet has not begun to act."""
    if not pod.deletions or pod.kill_decided is not None:
        return False
    hooks = (hook for one in pod.containers for run in one.runs for hook in one.execs(run, "postStart"))
    return any(hook.start <= pod.deletions[0].at and hook.exit is None for hook in hooks)


POSTSTART_HOLDS: Final = NotKept(
    "a postStart that does not end keeps the worker of its Pod from everything else, from ending the Pod too",
    lambda kubelet: True,
    _post_start_goes_on,
)
MAINS_FORGOTTEN: Final = _bug(
    "mains_forgotten_after_kubelet_restart",
    "a restarted kubelet does not start mains again in a Pod whose sidecar has a startup probe (issue 136910)",
    lambda pod: any(one.is_new for one in pod.absences) and any(one.probe("startup") for one in pod.sidecars),
)
FORGOTTEN_RESULTS: Final = NotKept(
    "a restarted kubelet begins with fresh probe results: what ran is not ready until it has looked",
    lambda kubelet: bool(kubelet.policy("probe_results_reset_on_kubelet_restart")),
    lambda pod: any(one.is_new for one in pod.absences),
)
STARTED_KEPT: Final = "a container that is started again in the sync that stopped it keeps `started: true` for now"


def started_kept(pod: PodStory, run: Run) -> str:
    """What is known of a run that shows the started of the run before, until its startup probe is asked (S-24)."""
    return STARTED_KEPT if run.number > 0 and pod.kubelet.policy("started_kept_from_old_status") else ""


IMAGE_CHANGE_IGNORED: Final = NotKept(
    "a new image of a running sidecar has no effect before its next start",
    lambda kubelet: (
        kubelet.policy("sidecar_field_at_kubelet") != "unknown"
        and not kubelet.policy("sidecar_definition_change_kills")
    ),
)
GRACE_TWICE: Final = NotKept(
    "after preStop the container still gets the whole grace of the deletion",
    lambda kubelet: bool(kubelet.policy("kill_budget") == "override_last"),
    lambda pod: bool(pod.deletions),
)
NOT_SHORTENED: Final = NotKept(
    "a shorter grace does not cut short a stop or a preStop under way, nor a sidecar's wait for its turn",
    lambda kubelet: True,
    lambda pod: len(pod.deletions) > 1,
)
