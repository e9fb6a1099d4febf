"""Releases 1.27 to 1.36 as data: gates, policies, known bugs, texts, constants and known fields.

The only room that compares releases. ``"1.29"`` means the latest patch of 1.29; ``"1.29.0"`` is that very patch, with
its bugs. Everything outside asks the frozen :class:`Release` that :func:`release` makes.
"""

from __future__ import annotations

from kubesim.releases.features import Feature, features, metrics_lines
from kubesim.releases.fields import Field, fields
from kubesim.releases.release import COMPONENTS, Component, Release, release
from kubesim.releases.tables import RELEASES

__all__ = [
    "COMPONENTS",
    "RELEASES",
    "Component",
    "Feature",
    "Field",
    "Release",
    "features",
    "fields",
    "metrics_lines",
    "release",
]
