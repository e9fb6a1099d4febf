"""Uids and generated names: no chance involved, so that equal runs give equal names."""

from __future__ import annotations

import hashlib
from typing import Final

_LETTERS: Final = "bcdfghjklmnpqrstvwxz2456789"

SET_BY_THE_SERVER: Final = frozenset(
    (
        *("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "resourceVersion"),
        *("generation", "selfLink", "managedFields"),
    )
)
"""Metadata that a client cannot choose."""


def uid_of(text: str) -> str:
    """A uid in the form of a random one, the same for the same text."""
    digest = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-a{digest[17:20]}-{digest[20:]}"


def name_suffix(uid: str) -> str:
    """The five letters a generateName gets. Source: apiserver ``storage/names/generate.go`` (letters and length)."""
    digest = hashlib.blake2b(uid.encode(), digest_size=5).digest()
    return "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest)
