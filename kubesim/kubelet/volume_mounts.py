"""When a volume that could not be set up is tried again, and what is said about it (K-19k, S-75).

Source: ``util/goroutinemap/exponentialbackoff`` (the delays), ``volumemanager/volume_manager.go``
WaitForAttachAndMount, ``operationexecutor`` GenerateMountVolumeFunc (the Event).
"""

from __future__ import annotations

from collections.abc import Sequence

from kubesim.releases import Release
from kubesim.units import Duration


def retry_delay(failures: int, release: Release) -> Duration:
    """How long after its last failure a volume is tried again: doubling from 500 ms to 2 min 2 s."""
    first, most = release.duration("mount_backoff_initial"), release.duration("mount_backoff_max")
    return first if failures <= 1 else min(first << min(failures - 1, 32), most)


def timeout_message(unmounted: Sequence[str], release: Release) -> str | None:
    """The Event at the end of a wait in vain; None where a wait that ran out counts as cancelled (1.28 and later)."""
    if release.policy("volume_wait_is_cancelled"):
        return None
    return release.text("FailedMount").format(volumes=" ".join(unmounted))
