"""What the rows of a sweep say together: for each variant and measure a value with its confidence interval."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kubesim.exploration.intervals import Estimate, mean, proportion, quantile
from kubesim.exploration.sweep import SweepHeader
from kubesim.timelines.tables import align

QUANTILES = (0.5, 0.95, 0.99)
Variant = tuple[Any, ...]
"""The values of the parameters, as text, then the release. Of a design with a point for each row, the release only."""


@dataclass(frozen=True, slots=True)
class Summary:
    """One measure of one variant. ``rows`` counts those with a value, ``missing`` those where it did not happen."""

    variant: Variant
    measure: str
    rows: int
    missing: int
    share: Estimate | None = None
    """Of a yes-or-no measure: the proportion of yes."""
    mean: Estimate | None = None
    quantiles: Mapping[float, Estimate] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    """Of a measure whose values are texts: how often each came."""


@dataclass(frozen=True, slots=True)
class Summaries:
    """All summaries, and how many rows there are and have failed; ``names`` name the parts of a variant."""

    names: tuple[str, ...]
    summaries: tuple[Summary, ...]
    differences: tuple[Summary, ...]
    """Against the first variant, row by row of one seed: what common random numbers are for."""
    rows: int
    errors: Mapping[str, int]


def summarise(header: SweepHeader, rows: Iterable[Mapping[str, Any]], *, differences: bool = False) -> Summaries:
    """The summaries of rows, variants in the order in which they first appear."""
    names = tuple(header.set) if header.design == "grid" else ()
    values: dict[Variant, dict[str, dict[int, Any]]] = {}
    errors: Counter[str] = Counter()
    total = 0
    for row in rows:
        total += 1
        if "error" in row:
            errors[str(row["error"])] += 1
            continue
        variant = (*(_text(row[name]) for name in names), str(row["release"]))
        measured = values.setdefault(variant, {name: {} for name in header.measures})
        for name in header.measures:
            measured[name][row["seed"]] = row[name]
    found = [
        _summary(variant, name, list(column.values()))
        for variant, measured in values.items()
        for name, column in measured.items()
    ]
    compared = list(_differences(values)) if differences else []
    return Summaries((*names, "release"), tuple(found), tuple(compared), total, dict(errors))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)


def _summary(variant: Variant, name: str, values: Sequence[Any]) -> Summary:
    known = [value for value in values if value is not None]
    missing = len(values) - len(known)
    if known and all(isinstance(value, bool) for value in known):
        return Summary(variant, name, len(known), missing, share=proportion(sum(known), len(known)))
    if known and all(isinstance(value, int | float) for value in known):
        quantiles = {share: quantile(known, share) for share in QUANTILES}
        return Summary(variant, name, len(known), missing, mean=mean(known), quantiles=quantiles)
    return Summary(variant, name, len(known), missing, counts=Counter(str(value) for value in known))


def _differences(values: Mapping[Variant, Mapping[str, Mapping[int, Any]]]) -> Iterable[Summary]:
    """For each variant but the first: the mean of (its value - the first's) over the seeds both have."""
    baseline = next(iter(values.values()), {})
    for variant, measured in list(values.items())[1:]:
        for name, column in measured.items():
            base = baseline[name]
            pairs = [
                float(value) - float(base[seed])
                for seed, value in column.items()
                if isinstance(value, int | float) and isinstance(base.get(seed), int | float)
            ]
            if pairs:
                yield Summary(variant, name, len(pairs), len(column) - len(pairs), mean=mean(pairs))


# -- as text -----------------------------------------------------------------------------------------------------------


def summary_lines(found: Summaries) -> list[str]:
    """The summaries as a table, and what failed."""
    lines = _table(found, found.summaries)
    if found.differences:
        lines += ["", "difference from the first variant, seed by seed:", *_table(found, found.differences)]
    if found.errors:
        lines += ["", f"{sum(found.errors.values())} of {found.rows} rows failed:"]
        lines += [f"  {count} x {error}" for error, count in sorted(found.errors.items(), key=lambda one: -one[1])[:5]]
    return lines


def _table(found: Summaries, summaries: Sequence[Summary]) -> list[str]:
    shown = [
        column
        for column in range(len(found.names))
        if len({one.variant[column] for one in summaries}) > 1 or found.names[column] != "release"
    ]
    header = [
        *(found.names[column] for column in shown),
        "measure",
        "rows",
        "value",
        "95 % interval",
        "p50",
        "p95",
        "p99",
    ]
    rows = [[*(one.variant[column] for column in shown), one.measure, _rows(one), *_cells(one)] for one in summaries]
    return (
        align([name.upper() if name.islower() and "." not in name else name for name in header], rows) if rows else []
    )


def _rows(one: Summary) -> str:
    return f"{one.rows}" + (f" (+{one.missing} never)" if one.missing else "")


def _cells(one: Summary) -> list[str]:
    if one.share is not None:
        share = one.share
        return [f"{100 * share.value:.3g} %", f"{100 * share.low:.3g} to {100 * share.high:.3g} %", "", "", ""]
    if one.mean is not None:
        interval = "" if math.isinf(one.mean.low) else f"{one.mean.low:.5g} to {one.mean.high:.5g}"
        known = [f"{one.quantiles[share].value:.5g}" if share in one.quantiles else "" for share in QUANTILES]
        return [f"{one.mean.value:.5g}", interval, *known]
    parts = sorted(one.counts.items(), key=lambda item: (-item[1], item[0]))
    return [", ".join(f"{text} {count}" for text, count in parts[:4]), "", "", "", ""]


def as_json(found: Summaries) -> dict[str, Any]:
    """The summaries for machines: infinite ends of an interval are null."""

    def estimate(one: Estimate | None) -> dict[str, Any] | None:
        if one is None:
            return None
        ends = (None if math.isinf(end) else end for end in (one.low, one.high))
        return {"value": one.value, "low": next(ends), "high": next(ends)}

    def summary(one: Summary) -> dict[str, Any]:
        return {
            **dict(zip(found.names, one.variant, strict=True)),
            "measure": one.measure,
            "rows": one.rows,
            "missing": one.missing,
            "share": estimate(one.share),
            "mean": estimate(one.mean),
            "quantiles": {str(share): estimate(value) for share, value in one.quantiles.items()},
            "counts": dict(one.counts),
        }

    return {
        "rows": found.rows,
        "errors": dict(found.errors),
        "summaries": [summary(one) for one in found.summaries],
        "differences": [summary(one) for one in found.differences],
    }
