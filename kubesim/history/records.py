"""The closed set of record types a run writes, and the header that makes it reproducible.

Every record has ``at``, the instant in nanoseconds. Object records hold what the API server committed; runtime
records hold what was *true* in the container runtime; decision records hold what a component believed and chose,
with the rule it followed. Silent ticks are not recorded.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

from kubesim.units import Duration, Instant


class Record(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="record", omit_defaults=True, rename="camel", gc=False
):
    """One line of the history. Nothing leads from a record back to it, so Python need not look for cycles there."""

    at: Instant


class ObjectChanged(Record, frozen=True, kw_only=True, tag="object"):
    """The API server committed a change.

    ``change`` is ADDED, MODIFIED or DELETED. ADDED carries the whole ``object``; later changes carry ``patch``, a
    JSON merge patch (RFC 7386) against the version before, null where a field was removed.
    """

    change: str
    kind: str
    namespace: str
    name: str
    uid: str
    resource_version: int
    actor: str
    verb: str
    object: dict[str, Any] | None = None
    patch: dict[str, Any] | None = None


class EventEmitted(Record, frozen=True, kw_only=True, tag="event"):
    """A Kubernetes Event was created or its count raised (S-90); instants are whole seconds."""

    kind: str
    namespace: str
    name: str
    uid: str
    type: str
    reason: str
    message: str
    component: str
    host: str = ""
    field_path: str = ""
    count: int = 1
    first: Instant = 0
    last: Instant = 0
    update: bool = False


class RuntimeChanged(Record, frozen=True, kw_only=True, tag="runtime"):
    """The container runtime did something that is true whatever the kubelet believes.

    ``event``: create, start, exit, stop, signal, exec-start, exec-exit, oom, remove. ``run`` counts the container's
    runs from 0; the sandbox is the container ``(sandbox)``. ``grace`` in seconds belongs to stop, ``code`` to exit
    and exec-exit, ``signal`` to signal, ``command`` and ``exec`` (an id pairing start and exit) to execs.
    ``purpose`` of an exec: probe kind, postStart or preStop.
    """

    node: str
    namespace: str
    pod: str
    container: str
    run: int
    event: str
    code: int | None = None
    reason: str = ""
    signal: str = ""
    grace: int | None = None
    command: str = ""
    exec: int | None = None
    purpose: str = ""
    began: Instant | None = None
    """Of an exec-exit without an exec-start (a probe that took its time): when it began."""
    container_id: str = ""


class OutputWritten(Record, frozen=True, kw_only=True, tag="output"):
    """A container's process wrote a line to stdout or stderr."""

    namespace: str
    pod: str
    container: str
    run: int
    line: str
    stream: str = "stdout"


class DecidedAction(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel", gc=False):
    """One step of a decision: what, to which container, why, by which rules."""

    do: str
    container: str = ""
    why: str = ""
    rules: tuple[str, ...] = ()


class Decided(Record, frozen=True, kw_only=True, tag="decision"):
    """A component decided: ``actor`` is its name (``kubelet/node1``), ``pass_`` the pass (``SyncTerminatingPod``)."""

    actor: str
    namespace: str
    name: str
    pass_: str = msgspec.field(name="pass")
    actions: tuple[DecidedAction, ...] = ()
    why: str = ""
    rules: tuple[str, ...] = ()


class ProbeChanged(Record, frozen=True, kw_only=True, tag="probe"):
    """A probe's stored result changed (results that change nothing are not recorded).

    ``origin`` says whether the probe answered: its worker also stores what it begins with (``initial``), a failure for
    a container that ended (``not running``), and a success while the Pod is deleted (``deleting``) or for a sidecar
    that started before its kubelet (``taken over``). ``container_id`` says whose result it is: the last failure of a
    container that ended may be stored when its next run has begun.
    """

    namespace: str
    pod: str
    container: str
    probe: str
    result: str
    origin: str = "answer"
    output: str = ""
    container_id: str = ""
    rules: tuple[str, ...] = ()

    @property
    def is_answer(self) -> bool:
        """Whether the probe was asked, and this came of it."""
        return self.origin == "answer"


class Admitted(Record, frozen=True, kw_only=True, tag="admission"):
    """A mutating webhook was called for a request, and answered or could not be called (C-31 to C-34).

    ``at`` is when the answer came, ``took`` how long that was. ``result``: patched, unchanged, denied, failed, or
    ignored (it failed, and its failurePolicy lets the request pass). ``name`` may be the prefix of a name to come.
    """

    webhook: str
    configuration: str
    operation: str
    kind: str
    namespace: str
    name: str
    result: str
    round: int = 1
    """2: it was called again, because something changed after its call (C-32)."""
    took: Duration = 0
    message: str = ""
    """What the API server says of a refusal or of a failed call."""
    client: str = ""
    """The release of the client library with which it wrote the whole object back; empty: it sent a patch."""
    diff: tuple[dict[str, Any], ...] = ()
    """What it changed: a JSON patch (RFC 6902), with the defaults of what it added."""
    dropped: tuple[str, ...] = ()
    """Fields it sent that the API server does not know, and so left out in silence (C-34)."""
    lost_sidecars: tuple[str, ...] = ()
    """Init containers that were sidecars before its answer, and in it are there without ``restartPolicy: Always``."""
    unknown_sidecars: tuple[str, ...] = ()
    """Those it sent as sidecars to an API server that does not know the field (C-34)."""
    request: int = 0
    """Calls for one request have the same number, counted from 1."""
    requests: dict[str, tuple[int, int]] = {}
    """What the Pod asks of its node in all (C-67), before and after, where that changed; CPU in thousandths."""
    warnings: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()


class ActionDone(Record, frozen=True, kw_only=True, tag="action"):
    """A stimulus of the scenario was carried out; ``code`` and ``message`` are the API server's answer.

    ``do`` of the objects with which a scenario begins is ``create KIND`` (``create Pod``); of a timed action it is
    one word: delete, patch, create, evict, ... ``kubectl`` is what kubectl prints on stderr when it is refused.
    """

    do: str
    asked: Instant | None = None
    """When the request was sent, where that was before the API server carried it out."""
    arguments: dict[str, Any] = {}
    code: int = 0
    reason: str = ""
    message: str = ""
    kubectl: str = ""
    warnings: tuple[str, ...] = ()


class Assumed(Record, frozen=True, kw_only=True, tag="assumption"):
    """Something kubesim does not know and took for granted, in words; ``subject`` names the object or container."""

    subject: str
    text: str


class NotModelled(Record, frozen=True, kw_only=True, tag="not-modelled"):
    """A field or behaviour of the input that this run did not act upon."""

    subject: str
    field: str
    text: str


class PodSummary(Record, frozen=True, kw_only=True, tag="pod-summary"):
    """All that a history of the level ``summary`` keeps of a Pod, written when it is gone or the run is over.

    ``scheduled``, ``ready`` and ``ended`` are the instants of the first write that said so; None: it never came to it.
    """

    namespace: str
    name: str
    created: Instant
    owner: str = ""
    """Its controller, as ``Job/name``."""
    node: str = ""
    phase: str = ""
    restarts: int = 0
    scheduled: Instant | None = None
    ready: Instant | None = None
    ended: Instant | None = None
    """When its phase became Succeeded or Failed."""
    gone: Instant | None = None


class Ended(Record, frozen=True, kw_only=True, tag="ended"):
    """The run is over: ``why`` is ``settled`` (nothing can change any more), ``horizon`` or ``until``."""

    why: str


AnyRecord: TypeAlias = (
    ObjectChanged
    | EventEmitted
    | RuntimeChanged
    | OutputWritten
    | Decided
    | ProbeChanged
    | Admitted
    | ActionDone
    | Assumed
    | NotModelled
    | PodSummary
    | Ended
)


class ComponentHeader(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A component's release and the gates and bugs set on it explicitly.

    ``crash_backoff_max``: a kubelet's longest back-off after crashes, where its node sets one.
    """

    name: str
    release: str
    feature_gates: dict[str, bool] = {}
    bugs: dict[str, bool] = {}
    crash_backoff_max: Duration = 0


class Header(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="record", tag="header", omit_defaults=True, rename="camel"
):
    """What determines a run: same header, same bytes.

    ``scenario`` is its name, ``title`` what it says it is about. ``timing`` is the whole latency profile, not only
    its name; ``draw`` numbers a replication of its latencies (0: the nominal, deterministic values). ``started`` is
    t=0: the instant at which the first Pod or Job was accepted. ``until`` is the length of the run, counted from
    t=0, if one was asked for (0: until nothing can change any more).
    """

    kubesim: str
    scenario: str
    digest: str
    control_plane: ComponentHeader
    nodes: tuple[ComponentHeader, ...]
    timing: dict[str, Any]
    seed: int = 0
    draw: int = 0
    tie_order: str = "first-scheduled-first"
    started: Instant = 0
    until: Duration = 0
    title: str = ""
    level: str = "full"
    """How much the history holds: ``full``; ``summary``, a line for each Pod; ``none``, how the run ended."""
