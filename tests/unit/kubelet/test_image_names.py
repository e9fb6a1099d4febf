"""Image names the kubelet cannot read, and its words for that (K-26)."""

from __future__ import annotations

import pytest

from kubesim.kubelet.image_names import image_name_problem
from kubesim.releases import release

FORMAT = "invalid reference format"


@pytest.mark.parametrize(
    "image",
    [
        "busybox",
        "busybox:1.36",
        "library/busybox",
        "example.com/team/web:1.2-rc_3",
        "localhost:5000/web",
        "localhost/web",
        "[::1]:5000/web",
        "ghcr.io/a/b__c/d-e.f@sha256:" + "a" * 64,
        "web:Latest",
        "my_team/web",
        "UPPER.example.com/web",
    ],
)
def test_names_that_are_read(image: str) -> None:
    assert image_name_problem(image, release("1.36")) is None


@pytest.mark.parametrize(
    ("image", "error"),
    [
        ("web:1:2", FORMAT),
        ("web@sha256:12", FORMAT),
        ("a//b", FORMAT),
        ("-web", FORMAT),
        ("we b", FORMAT),
        ("example.com/", FORMAT),
        ("Web:1", f"{FORMAT}: repository name (library/Web) must be lowercase"),
        ("example.com/My/web", f"{FORMAT}: repository name (My/web) must be lowercase"),
        ("example.com/Web", f"{FORMAT}: repository name (Web) must be lowercase"),
        ("localhost/Web", f"{FORMAT}: repository name (Web) must be lowercase"),
        ("docker.io/Web", f"{FORMAT}: repository name (library/Web) must be lowercase"),
        ("my-team/Web", f"{FORMAT}: repository name (my-team/Web) must be lowercase"),
        ("a" * 64, f"invalid repository name ({'a' * 64}), cannot specify 64-byte hexadecimal strings"),
    ],
)
def test_names_that_are_not(image: str, error: str) -> None:
    told = f'Failed to apply default image tag "{image}": couldn\'t parse image name "{image}": {error}'
    assert image_name_problem(image, release("1.36")) == told


def test_older_releases_do_not_say_which_part_is_in_capitals() -> None:
    problem = image_name_problem("Web", release("1.28")) or ""
    assert problem.endswith(f"{FORMAT}: repository name must be lowercase")
