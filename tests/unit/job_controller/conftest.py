"""Whatever a test of this room lets the controllers decide, the decision says why."""

from __future__ import annotations

import sys

import made_jobs
import pytest
from reasons import watch

DECISIONS = ("sync_job", "sync_cron_job", "ttl_decision", "collect_owner", "collect_dependent", "deadline_change")


@pytest.fixture(autouse=True)
def every_decision_says_why(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    adapter = sys.modules.get("vector_adapters.job")
    watch(monkeypatch, DECISIONS, request.module, made_jobs, adapter)
