"""Three profiles: quick by default; ``--hypothesis-profile long`` for minutes, ``deep`` for an hour."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]

settings.register_profile(
    "quick", max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=_SLOW
)
settings.register_profile("long", max_examples=400, deadline=None, database=None, suppress_health_check=_SLOW)
settings.register_profile("deep", max_examples=3000, deadline=None, database=None, suppress_health_check=_SLOW)
settings.load_profile("quick")
