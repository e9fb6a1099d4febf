"""How sentences about several runs are put together: sides that say the same stand together, names are short."""

from __future__ import annotations

from collections.abc import Sequence

from kubesim.timelines.compare_facts import Portrait, container_in, job_of


def contrast(said: Sequence[str], texts: Sequence[str], name: str = "") -> str:
    """``On 1.28 X; on 1.29 and 1.36 Y.``: sides that say the same stand together, those without a text are left out.

    ``name`` is what each text begins with, if all are about the same: from the second on it is ``it``.
    """
    groups: dict[str, list[str]] = {}
    for side, text in zip(said, texts, strict=True):
        if text:
            groups.setdefault(text, []).append(side)
    parts: list[str] = []
    is_known = False
    for text, sides in groups.items():
        begins = bool(name) and text.startswith(f"{name} ")
        parts.append(f"{listed(sides)} {'it' + text.removeprefix(name) if begins and is_known else text}")
        is_known = begins
    sentence = "; ".join(parts)
    return sentence[:1].upper() + sentence[1:] + "."


def listed(sides: Sequence[str]) -> str:
    """``on 1.28, 1.29 and 1.36``: a word that all begin with is said once."""
    unique = list(dict.fromkeys(sides))
    first, _, _ = unique[0].partition(" ")
    if all(side.startswith(f"{first} ") for side in unique):
        unique = [unique[0], *(side.removeprefix(f"{first} ") for side in unique[1:])]
    return " and ".join([", ".join(unique[:-1]), unique[-1]]) if len(unique) > 1 else unique[0]


def named(subject: str, portraits: Sequence[Portrait]) -> str:
    """A Pod or container, with the Pod's name only where there are several."""
    pod, _, container = subject.rpartition("/")
    several = len({known for one in portraits for known in one.roles}) > 1
    return subject if several or not pod or pod == "job" else container


def is_one_of_several(pod: str, portraits: Sequence[Portrait]) -> bool:
    """Whether a sentence has to say which Pod it is about."""
    return len({known for one in portraits for known in one.roles} | {pod}) > 1


def together_named(names: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def is_new(subject: str, told: set[tuple[str, str]]) -> bool:
    """Whether nothing was told yet of this subject, nor of a Pod of the same Job, which stands for all; notes it."""
    job = job_of(subject)
    key = (job, container_in(subject)) if job else (subject, "")
    if key in told:
        return False
    told.add(key)
    return True
