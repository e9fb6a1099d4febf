"""A finding, and what a container showed when it was tried alone."""

from __future__ import annotations

from dataclasses import dataclass

from kubesim.explanations.sites import Site
from kubesim.explanations.trial import UNKNOWN, Alone, Bench, Subject, alone
from kubesim.objects.pod import Container
from kubesim.objects.yaml import FieldPath, Position, field_text
from kubesim.timelines.lanes_model import Role


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a manifest gives away. ``kind`` is its stable name; ``way_out`` what to change."""

    kind: str
    site: Site
    container: Container
    field: FieldPath
    """Below the container."""
    said: str
    way_out: str
    rules: tuple[str, ...]

    @property
    def path(self) -> FieldPath:
        """Where it is written, from the top of the object."""
        return self.site.path(self.container, *self.field)

    @property
    def position(self) -> Position:
        """Line and column."""
        return self.site.document.position(self.path)

    @property
    def place(self) -> str:
        """``file:line:column``."""
        line, column = self.position
        return f"{self.site.document.source.path}:{line}:{column}"

    @property
    def field_text(self) -> str:
        """The path as Kubernetes writes it."""
        return field_text(self.path)


@dataclass(frozen=True, slots=True)
class Tried:
    """A container of a Pod to be, tried alone. ``subject`` None: it cannot even be created as things are."""

    container: Container
    role: Role
    subject: Subject | None
    alone: Alone | None
    is_declared: bool

    @classmethod
    def of(cls, site: Site, container: Container, role: Role, bench: Bench) -> Tried:
        """Try a container."""
        subject = bench.subject(site.pod, container)
        declared = subject is not None and subject.make().setup.behaviour is not None
        return cls(container, role, subject, None if subject is None else alone(subject), declared)

    @property
    def is_certain(self) -> bool:
        """Whether its program decides by itself what happens, and all of it is known."""
        return self.subject is not None and self.subject.is_certain and not (self.alone and self.alone.assumed)

    @property
    def ends(self) -> bool:
        """Whether it certainly ends by itself."""
        return self.is_certain and self.alone is not None and self.alone.lasts is not None

    @property
    def never_ends(self) -> bool:
        """Whether it runs until somebody stops it; of a well-known program this may be an assumption."""
        if self.subject is None or self.alone is None or self.alone.lasts is not None:
            return False
        if self.subject.assumed:
            return self.subject.assumed != UNKNOWN and self.alone.is_idle
        return self.is_certain and (self.alone.is_idle or self.alone.rests or self.subject.is_endless)

    @property
    def lastingly(self) -> str:
        """``never ends``, or that it sleeps for longer than anybody waits."""
        slow = self.alone is not None and self.alone.rests
        return f"{'runs for more than a day' if slow else 'never ends'}{self.as_assumed}"

    @property
    def as_assumed(self) -> str:
        """The assumption in brackets, where there is one."""
        return f" ({self.subject.assumed})" if self.subject is not None and self.subject.assumed else ""
