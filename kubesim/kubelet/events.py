"""What becomes of an Event between the component that emits it and the API server: counting, merging, dropping.

One memory per source and object, as every key of the real correlator names both; it goes when the object does, or when
the component restarts. Source: ``client-go/tools/record/events_cache.go`` EventCorrelate (S-90 to S-93).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import msgspec

from kubesim.releases import Release
from kubesim.units import Instant

_Key: TypeAlias = tuple[str, ...]


class Emitted(msgspec.Struct, frozen=True):
    """An Event as a component emits it about one object. ``field_path``: the container it is about, if any (S-60)."""

    type: str
    reason: str
    message: str
    field_path: str = ""


class EventWrite(msgspec.Struct, frozen=True):
    """What the API server is sent. ``update``: the Event exists and is patched; if it is gone it is created again."""

    key: tuple[str, ...]
    """Tells the Events of one source and object apart; an update has the key of its creation."""
    type: str
    reason: str
    message: str
    field_path: str
    count: int
    first: Instant
    last: Instant
    update: bool


class Dropped(msgspec.Struct, frozen=True):
    """An Event that the spam filter kept back; its count goes on all the same (S-92)."""

    count: int


class _Seen(msgspec.Struct, frozen=True):
    """An Event as counted so far. ``written``: it got past the spam filter at least once."""

    count: int
    first: Instant
    field_path: str
    written: bool


class _Similar(msgspec.Struct, frozen=True):
    """The different messages of one type and reason, and when the last of them came (S-91)."""

    messages: frozenset[str]
    last: Instant


class _Bucket(msgspec.Struct, frozen=True):
    """The token bucket of the spam filter, as the time for which it has credit at ``at`` (S-92)."""

    credit: int
    at: Instant


class EventMemory(msgspec.Struct, frozen=True):
    """What a component remembers of the Events it emitted about one object; begins empty."""

    seen: Mapping[_Key, _Seen] = msgspec.field(default_factory=dict)
    similar: Mapping[_Key, _Similar] = msgspec.field(default_factory=dict)
    buckets: Mapping[str, _Bucket] = msgspec.field(default_factory=dict)


def emit(
    memory: EventMemory, event: Emitted, release: Release, now: Instant
) -> tuple[EventMemory, EventWrite | Dropped]:
    """What is written for an emitted Event, and the memory after it (S-90 to S-92).

    Departure: which of the ten messages that start a merge gives way is chance upstream; here it is always the newest,
    so that the first nine keep their own Events.
    """
    similar, merged = _similar_after(memory, event, release, now)
    if merged:
        key: _Key = (event.type, event.reason)
        message = release.text("combined_prefix") + event.message
    else:
        key = (event.type, event.reason, event.field_path, event.message)
        message = event.message
    bucket_key = event.type if release.policy("event_spam_key") == "source_object_and_type" else ""
    bucket, passes = _bucket_after(memory.buckets.get(bucket_key), release, now)
    before = memory.seen.get(key)
    seen = _Seen(
        count=1 if before is None else before.count + 1,
        first=now if before is None else before.first,
        field_path=event.field_path if before is None else before.field_path,
        written=passes or (before is not None and before.written),
    )
    after = EventMemory(
        seen={**memory.seen, key: seen},
        similar={**memory.similar, (event.type, event.reason): similar},
        buckets={**memory.buckets, bucket_key: bucket},
    )
    if not passes:
        return after, Dropped(seen.count)
    return after, EventWrite(
        key=key,
        type=event.type,
        reason=event.reason,
        message=message,
        field_path=seen.field_path,
        count=seen.count,
        first=seen.first,
        last=now,
        update=before is not None and before.written,
    )


def _similar_after(memory: EventMemory, event: Emitted, release: Release, now: Instant) -> tuple[_Similar, bool]:
    """The messages of this type and reason with this one, and whether it is merged with them (S-91)."""
    similar = memory.similar.get((event.type, event.reason))
    fresh = similar is None or now - similar.last > release.constant("event_similar_window")
    messages = frozenset() if fresh or similar is None else similar.messages
    grown = messages | {event.message}
    merged = len(grown) >= release.constant("event_similar_threshold")
    return _Similar(messages if merged else grown, now), merged


def _bucket_after(bucket: _Bucket | None, release: Release, now: Instant) -> tuple[_Bucket, bool]:
    """The bucket after one more Event, and whether it let the Event pass: full at first, one token per refill."""
    token = release.constant("event_spam_refill")
    full = release.constant("event_spam_burst") * token
    credit = full if bucket is None else min(full, bucket.credit + now - bucket.at)
    passes = credit >= token
    return _Bucket(credit - token if passes else credit, now), passes
