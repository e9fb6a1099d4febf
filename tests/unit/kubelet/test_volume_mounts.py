"""Volumes that could not be set up (K-19k, S-75)."""

from __future__ import annotations

import pytest

from kubesim.kubelet.volume_mounts import retry_delay, timeout_message
from kubesim.releases import release
from kubesim.units import MILLISECOND


@pytest.mark.parametrize(
    ("failures", "delay"),
    [(0, 500), (1, 500), (2, 1000), (3, 2000), (8, 64_000), (9, 122_000), (10, 122_000), (10**6, 122_000)],
)
def test_the_delay_doubles_up_to_two_minutes_and_two_seconds(failures: int, delay: int) -> None:
    assert retry_delay(failures, release("1.36")) == delay * MILLISECOND


def test_only_1_27_says_that_it_has_waited_in_vain() -> None:
    said = timeout_message(("data", "config"), release("1.27"))
    assert said == (
        "Unable to attach or mount volumes: unmounted volumes=[data config], unattached volumes=[], "
        "failed to process volumes=[]: timed out waiting for the condition"
    )
    assert timeout_message(("data",), release("1.28")) is None
