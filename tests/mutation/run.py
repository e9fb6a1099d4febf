"""Try a sample of small changes and write down what came of them.

    python -m tests.mutation.run [--kubelet 36] [--job-controller 32] [--guarantees 16] [--seed 1] [--only MODULE]
                                 [--again] [--whole-runs]

From each module of a room as many changes are tried as its option says, always the same ones for one seed, and more
for a greater number; and all that ``verdicts.yaml`` beside this file speaks of. What was tried before is in
``mutants/tried.json`` and not tried again; with ``--again`` what survived is, with ``--whole-runs`` on tests of whole
clusters too. Rooms come in the order of the options. Writes ``results.yaml``, also when it is broken off;
``python -m tests.mutation.page`` makes the page of both.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from tests.mutation.changes import COPY, Change, make_changes, sample
from tests.mutation.trying import NO_TEST, UNNOTICED, Trial, attempt
from tests.mutation.verdicts import RESULTS, key, read_verdicts

ROOMS = {"kubelet": 36, "job_controller": 32, "guarantees": 16}
SURVIVED = (UNNOTICED, NO_TEST)


def results(changes: list[Change], tried: dict[str, str], chosen: set[str]) -> dict[str, Any]:
    """What is written down: counts by module over the sample, and where each survivor and each judged change is.

    ``tried``: outcome by identity, of the sample (``chosen``) and of what else was tried.
    """
    modules: dict[str, dict[str, int]] = {}
    for module, number in sorted(Counter(one.module for one in changes).items()):
        outcomes = [
            tried[one.identity] for one in changes if one.module == module and one.identity in chosen & set(tried)
        ]
        survived = sum(outcome in SURVIVED for outcome in outcomes)
        modules[module] = {"all": number, "tried": len(outcomes), "survived": survived}
    judged = read_verdicts()
    listed = {
        key(one): tried[one.identity]
        for one in changes
        if one.identity in tried
        and ((tried[one.identity] in SURVIVED and one.identity in chosen) or key(one) in judged)
    }
    return {
        "modules": modules,
        "changes": [
            {"place": place, "was": was, "becomes": becomes, "noticed_by": outcome}
            for (place, was, becomes), outcome in sorted(listed.items())
        ],
    }


def main() -> int:
    """Try, and write down."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for room, size in ROOMS.items():
        parser.add_argument(f"--{room.replace('_', '-')}", type=int, default=size, metavar="N")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", action="append", metavar="MODULE")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--whole-runs", action="store_true")
    options = parser.parse_args()
    path, memory = Path(RESULTS).resolve(), (COPY / "tried.json").resolve()
    changes, judged = make_changes(), read_verdicts()
    drawn = sample(changes, {room: getattr(options, room) for room in ROOMS}, options.seed)
    chosen = {one.identity for one in drawn}
    tried: dict[str, str] = json.loads(memory.read_text(encoding="utf-8")) if memory.exists() else {}
    wanted = [*drawn, *(one for one in changes if key(one) in judged and one.identity not in chosen)]
    wanted = [
        one
        for one in wanted
        if (one.identity not in tried or (options.again and tried[one.identity] in SURVIVED))
        and (not options.only or one.module in options.only)
    ]
    wanted.sort(key=lambda one: list(ROOMS).index(one.module.partition(".")[0]))
    done = 0

    def told(change: Change, outcome: str) -> None:
        nonlocal done
        done += 1
        tried[change.identity] = outcome
        if outcome in SURVIVED:
            print(f"{change.place}\n  - {change.was}\n  + {change.becomes}  {outcome}", flush=True)
        if done % 50 == 0:
            print(f"{done} of {len(wanted)}", file=sys.stderr, flush=True)
            memory.write_text(json.dumps(tried), encoding="utf-8")

    try:
        if wanted:
            attempt(Trial(wanted, told=told), with_whole_runs=options.whole_runs)
    finally:
        memory.write_text(json.dumps(tried), encoding="utf-8")
        found = results(changes, tried, chosen)
        path.write_text(yaml.safe_dump(found, sort_keys=False, width=10_000, allow_unicode=True), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
