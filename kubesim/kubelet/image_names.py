"""Whether an image name can be one, as the kubelet reads it before it looks for the image (K-26).

Source: ``pkg/util/parsers/parsers.go``: ParseImageName; the module ``distribution/reference`` (ParseNormalizedNamed).
"""

from __future__ import annotations

import json
import re
from typing import Final

from kubesim.releases import Release

_COMPONENT: Final = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_LABEL: Final = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_HOST: Final = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_DIGEST: Final = r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}"
_REFERENCE: Final = re.compile(
    rf"{_HOST}/{_COMPONENT}(?:/{_COMPONENT})*(?::\w[\w.-]{{0,127}})?(?:@{_DIGEST})?", re.ASCII
)
_BARE_IDENTIFIER: Final = re.compile(r"[a-f0-9]{64}")
_REPOSITORY: Final = "docker.io"


def image_name_problem(image: str, release: Release) -> str | None:
    """Why the kubelet cannot make sense of an image name, in its words; None if it can."""
    problem = _problem(image, release)
    if problem is None:
        return None
    error = release.text("image_name").format(image=json.dumps(image, ensure_ascii=False), error=problem)
    return release.text("InspectFailed_name").format(image=image, error=error)


def _problem(image: str, release: Release) -> str | None:
    if _BARE_IDENTIFIER.fullmatch(image):
        return f"invalid repository name ({image}), cannot specify 64-byte hexadecimal strings"
    host, name = _split(image)
    repository = name.partition(":")[0]
    if repository != repository.lower():
        return release.text("image_name_upper_case").format(repository=repository)
    return None if _REFERENCE.fullmatch(f"{host}/{name}") else "invalid reference format"


def _split(image: str) -> tuple[str, str]:
    """Registry and the rest; a name without a registry is one of the usual's, and one without a path of its library."""
    first, slash, rest = image.partition("/")
    is_host = slash and (any(mark in first for mark in ".:") or first == "localhost" or first.lower() != first)
    host, name = (first, rest) if is_host else (_REPOSITORY, image)
    if host == _REPOSITORY and "/" not in name:
        name = f"library/{name}"
    return host, name
