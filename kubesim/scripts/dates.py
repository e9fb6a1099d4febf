"""``date``: the virtual clock in the forms scripts ask for."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from kubesim.scripts.calls import Call, options
from kubesim.units import EPOCH_UNIX_SECONDS, SECOND, Instant

_DEFAULT = "%a %b %e %H:%M:%S UTC %Y"


def date(call: Call) -> int:
    found, operands = options(tuple(word for word in call.argv[1:] if not word.startswith("+")), "drf")
    form = next((word[1:] for word in call.argv[1:] if word.startswith("+")), _DEFAULT)
    call.kernel.unsteady += 1
    now = call.kernel.now
    if "I" in found or "iso-8601" in found:
        form = "%Y-%m-%d"
    if "R" in found:
        form = "%a, %d %b %Y %H:%M:%S +0000"
    wanted = found.get("d") or found.get("date")
    if wanted:
        match = re.fullmatch(r"@(\d+)", wanted)
        if match is None:
            call.err(f"invalid date '{wanted}' (kubesim reads @SECONDS only)")
            return 1
        now = (int(match.group(1)) - EPOCH_UNIX_SECONDS) * SECOND
    if operands:
        call.err("cannot set date: Operation not permitted")
        return 1
    call.out(formatted(now, form) + "\n")
    return 0


def formatted(now: Instant, form: str) -> str:
    """An instant in a ``strftime`` form, in UTC; %N and %3N are fractions of a second."""
    moment = datetime.fromtimestamp(EPOCH_UNIX_SECONDS, UTC) + timedelta(seconds=now // SECOND)
    fraction = f"{now % SECOND:09d}"
    form = re.sub(r"%(\d?)N", lambda match: fraction[: int(match.group(1) or 9)], form)
    form = form.replace("%s", str(EPOCH_UNIX_SECONDS + now // SECOND)).replace("%e", f"{moment.day:2d}")
    form = form.replace("%Z", "UTC").replace("%z", "+0000").replace("%k", f"{moment.hour:2d}")
    return moment.strftime(form.replace("%F", "%Y-%m-%d").replace("%T", "%H:%M:%S").replace("%D", "%m/%d/%y"))
