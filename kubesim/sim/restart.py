"""A kubelet process ends, and another takes its place; the runtime and the containers go on (K-95, S-24, S-30).

What the process held in memory is gone: workers, pod cache, statuses, reason cache, crash back-offs, probe results.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubesim.sim.pod_worker import PodWorker, Update
from kubesim.sim.remains import Remains

if TYPE_CHECKING:
    from kubesim.sim.kubelet import Kubelet


def end(kubelet: Kubelet) -> None:
    """The process is gone; calls that the runtime has taken go on there, and nobody hears of their end."""
    kubelet.clock.end()
    kubelet.runtime.client += 1
    kubelet.runtime.listener = None
    kubelet.runtime.watched.clear()


def remains(kubelet: Kubelet, began: int) -> Remains:
    """What the process leaves behind; its pods are read back from the labels of their containers."""
    known = {uid: worker.pod for uid, worker in kubelet.workers.items()}
    restored = kubelet.before.pods if kubelet.before is not None else {}
    pods = {uid: pod for uid, pod in {**restored, **known}.items() if uid in kubelet.runtime.pods}
    return Remains(kubelet.runtime, kubelet.images.present(), began, pods, kubelet.probe_overrides)


def begin(kubelet: Kubelet) -> None:
    """The new process looks at the runtime, lists its pods, and later clears away what nobody configured."""
    for uid in kubelet.runtime.pods:
        kubelet.pleg.noticed(uid)
    if kubelet.api.is_up:
        kubelet.api.join(kubelet)
    kubelet.clock.at(kubelet.next_housekeeping(kubelet.clock.now), _kill_orphans, kubelet)


def _kill_orphans(kubelet: Kubelet) -> None:
    """Pods that run and are not configured (deleted meanwhile) are stopped with an override of 1 s (K-87).

    Without its configuration a kubelet kills nobody: it waits for the API server.
    """
    if not kubelet.api.is_up:
        kubelet.clock.at(kubelet.next_housekeeping(kubelet.clock.now + 1), _kill_orphans, kubelet, background=True)
        return
    grace = kubelet.release.constant("orphan_grace_seconds")
    pods = kubelet.before.pods if kubelet.before is not None else {}
    for uid, pod in pods.items():
        if uid in kubelet.pods or uid in kubelet.workers or uid not in kubelet.runtime.pods:
            continue
        worker = kubelet.workers[uid] = PodWorker(kubelet, pod)
        worker.update(Update(pod, kill=True, override_seconds=grace))
