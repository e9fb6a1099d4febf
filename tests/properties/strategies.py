"""Hypothesis strategies for whole runs: clusters, Pods, programs, stimuli. The only place that draws.

They shrink towards the newest release, one main that runs until it is told to stop, and nothing happening to it.
"""

from __future__ import annotations

from hypothesis import strategies as st
from plans import Cluster, Container, Plan, Stimulus

from kubesim.releases import RELEASES

NEWEST_FIRST = tuple(reversed(RELEASES))
GATED = ("1.28", "1.29", "1.30", "1.31", "1.32")
"""The releases on which the gate can be set."""

SIDECARS_KNOWN = NEWEST_FIRST[: NEWEST_FIRST.index("1.29") + 1]


@st.composite
def clusters(draw: st.DrawFn) -> Cluster:
    """A control plane and a node no newer than it, at most three minors older, each with or without the gate."""
    place = draw(st.integers(0, len(NEWEST_FIRST) - 1))
    release = NEWEST_FIRST[place]
    gate = draw(st.sampled_from((None, True, False))) if release in GATED else None
    skew = draw(st.integers(0, min(3, len(NEWEST_FIRST) - 1 - place)))
    if skew == 0:
        return Cluster(release, gate)
    node = NEWEST_FIRST[place + skew]
    return Cluster(release, gate, node, draw(st.sampled_from((None, True, False))) if node in GATED else None)


def codes() -> st.SearchStrategy[tuple[int, ...]]:
    """Exit codes, one a run; the last one goes on."""
    return st.lists(st.sampled_from((0, 1, 2)), min_size=1, max_size=3).map(tuple)


@st.composite
def probes(draw: st.DrawFn, kinds: tuple[str, ...]) -> tuple[tuple[str, int, int], ...]:
    """Some of the probes, each with its threshold and the second from which it passes."""
    found = []
    for kind in kinds:
        if draw(st.booleans()):
            found.append((kind, draw(st.integers(1, 4)), draw(st.sampled_from((0, 1, 3, 6, -1)))))
    return tuple(found)


@st.composite
def containers(draw: st.DrawFn, kind: str) -> Container:
    """A container of a kind, with its program."""
    if kind == "init":
        lasts = draw(st.integers(0, 4))
        return Container(kind, lasts, draw(codes()), draw(st.sampled_from((0, 2, None))), draw(st.sampled_from((0, 1))))
    hooks = st.sampled_from((None, None, None, 1, 4))
    return Container(
        kind,
        lasts=draw(st.sampled_from((None, 1, 3, 8, 15))),
        exits=draw(codes()),
        term=draw(st.sampled_from((0, 1, 3, 8, None))),
        term_code=draw(st.sampled_from((0, 1))),
        probes=draw(probes(("startup", "liveness", "readiness"))) if draw(st.booleans()) else (),
        fails_from=draw(st.sampled_from((None, None, 4, 9))),
        pre_stop=draw(hooks),
        post_start=draw(hooks),
    )


@st.composite
def stimuli(draw: st.DrawFn) -> tuple[Stimulus, ...]:
    """At most a kill or two, a delete, and a second delete."""
    found = [
        Stimulus(draw(st.integers(1, 25)), "kill", draw(st.integers(0, 4))) for _ in range(draw(st.integers(0, 2)))
    ]
    graces = st.sampled_from((None, 30, 10, 5, 3, 2, 1))
    if draw(st.booleans()):
        at = draw(st.integers(0, 30))
        found.append(Stimulus(at, "delete", draw(graces)))
        if draw(st.integers(0, 3)) == 3:
            found.append(Stimulus(at + draw(st.integers(1, 10)), "delete", draw(graces)))
    return tuple(sorted(found, key=lambda one: one.at))


@st.composite
def plans(draw: st.DrawFn, cluster: st.SearchStrategy[Cluster] | None = None) -> Plan:
    """A whole run."""
    kinds = draw(st.lists(st.sampled_from(("sidecar", "init")), max_size=3))
    return Plan(
        cluster=draw(cluster if cluster is not None else clusters()),
        inits=tuple(draw(containers(kind)) for kind in kinds),
        mains=tuple(draw(containers("main")) for _ in range(draw(st.integers(1, 2)))),
        policy=draw(st.sampled_from(("Always", "OnFailure", "Never"))),
        grace=draw(st.sampled_from((30, 10, 5, 2, 1))),
        stimuli=draw(stimuli()),
        draw=draw(st.sampled_from((0, 0, 1, 2, 3))),
    )


@st.composite
def stops(draw: st.DrawFn) -> Plan:
    """A Pod with sidecars that is deleted while it runs: what the order of termination is about."""
    sidecars = tuple(
        Container("sidecar", term=draw(st.sampled_from((0, 1, 3)))) for _ in range(draw(st.integers(1, 3)))
    )
    mains = tuple(Container("main", term=draw(st.sampled_from((0, 2, 5)))) for _ in range(draw(st.integers(1, 2))))
    return Plan(Cluster("1.29"), sidecars, mains, stimuli=(Stimulus(draw(st.integers(10, 20)), "delete"),))


@st.composite
def completions(draw: st.DrawFn, *, several: bool = False) -> Plan:
    """A Pod that is left alone and comes to an end: its programs end by themselves, its sidecars with the others.

    ``several``: at least two mains.
    """
    exits = ((0,), (1, 0), (1, 1, 0))
    policy = draw(st.sampled_from(("OnFailure", "Never")))
    codes = st.sampled_from(exits if policy == "OnFailure" else (*exits, (1,), (2,)))

    def one(kind: str) -> Container:
        if kind == "sidecar":
            return Container("sidecar", term=draw(st.sampled_from((0, 2))))
        return Container(kind, lasts=draw(st.sampled_from((2, 3))), exits=draw(codes))

    kinds = draw(st.lists(st.sampled_from(("sidecar", "init")), max_size=2))
    mains = tuple(one("main") for _ in range(draw(st.integers(2 if several else 1, 3))))
    return Plan(draw(clusters()), tuple(one(kind) for kind in kinds), mains, policy=policy)
