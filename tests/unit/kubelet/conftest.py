"""Whatever a test of this room lets the kubelet decide, the decision says why."""

from __future__ import annotations

import sys

import pytest
from reasons import watch

DECISIONS = ("pod_actions", "tick")
ADAPTERS = ("vector_adapters.compute_pod_actions", "vector_adapters.probe_worker")


@pytest.fixture(autouse=True)
def every_decision_says_why(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    watch(monkeypatch, DECISIONS, request.module, *(sys.modules[name] for name in ADAPTERS if name in sys.modules))
