"""Whether a successPolicy is met, and by which rule (J-43). Source: ``success_policy.go``."""

from __future__ import annotations

from kubesim.job_controller.intervals import Intervals, overlap, parse_indexes, total
from kubesim.objects.job import SuccessPolicy, SuccessRule
from kubesim.releases import Release


def match_success(policy: SuccessPolicy | None, completions: int, succeeded: Intervals, release: Release) -> str | None:
    """The message of the first rule that is met; None if none is, or the controller does not heed such policies."""
    if policy is None or not succeeded or not release.enabled("JobSuccessPolicy"):
        return None
    for index, rule in enumerate(policy.rules):
        if _is_met(rule, completions, succeeded):
            return release.text("SuccessPolicy").format(index=index)
    return None


def _is_met(rule: SuccessRule, completions: int, succeeded: Intervals) -> bool:
    """Whether all of a rule's indexes have succeeded, or as many of them as it counts; without indexes any count."""
    if rule.succeeded_indexes is None:
        return rule.succeeded_count is not None and total(succeeded) >= rule.succeeded_count
    required = parse_indexes(rule.succeeded_indexes, completions)
    if not required:
        return False
    met = overlap(required, succeeded)
    return met == total(required) or (rule.succeeded_count is not None and met >= rule.succeeded_count)
