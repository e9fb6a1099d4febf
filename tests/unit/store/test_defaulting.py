"""What the API server fills in (C-15 to C-19), quantities and quality of service."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from kubesim.releases import release
from kubesim.store.defaulting import default_pod_spec, image_pull_policy
from kubesim.store.qos import qos_class
from kubesim.store.quantities import NotAQuantity, canonical, quantity

SERVER = release("1.29", component="apiserver")


def container(**fields: Any) -> dict[str, Any]:
    filled = default_pod_spec({"containers": [{"name": "app", "image": "i:1", **fields}]}, SERVER)["containers"][0]
    return {key: filled[key] for key in fields}


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("nginx", "Always"),
        ("nginx:latest", "Always"),
        ("nginx:1.25", "IfNotPresent"),
        ("registry:5000/nginx", "Always"),
        ("registry:5000/nginx:1", "IfNotPresent"),
        ("nginx@sha256:abc", "IfNotPresent"),
        ("nginx:latest@sha256:abc", "Always"),
        ("", "IfNotPresent"),
        (" nginx", "IfNotPresent"),
    ],
)
def test_pull_policy(image: str, policy: str) -> None:
    """C-16."""
    assert image_pull_policy(image) == policy


def test_a_pods_scalars() -> None:
    """C-15."""
    filled = default_pod_spec({"containers": []}, SERVER)
    assert filled == {
        "containers": [],
        "dnsPolicy": "ClusterFirst",
        "enableServiceLinks": True,
        "restartPolicy": "Always",
        "schedulerName": "default-scheduler",
        "securityContext": {},
        "terminationGracePeriodSeconds": 30,
    }


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            {"livenessProbe": {"httpGet": {"port": 80}}},
            {
                "livenessProbe": {
                    "httpGet": {"port": 80, "path": "/", "scheme": "HTTP"},
                    "timeoutSeconds": 1,
                    "periodSeconds": 10,
                    "successThreshold": 1,
                    "failureThreshold": 3,
                }
            },
        ),
        (
            {"lifecycle": {"preStop": {"httpGet": {"port": 80}}, "stopSignal": "SIGINT"}},
            {
                "lifecycle": {
                    "preStop": {"httpGet": {"port": 80, "path": "/", "scheme": "HTTP"}},
                    "stopSignal": "SIGINT",
                }
            },
        ),
        ({"ports": [{"containerPort": 1}]}, {"ports": [{"containerPort": 1, "protocol": "TCP"}]}),
        (
            {"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]},
            {"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name", "apiVersion": "v1"}}}]},
        ),
        (
            {"resources": {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m"}}},
            {"resources": {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m", "memory": "1Gi"}}},
        ),
    ],
)
def test_a_containers_fields(given: dict[str, Any], expected: dict[str, Any]) -> None:
    """C-17 to C-19."""
    assert container(**given) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"name": "v"}, {"name": "v", "emptyDir": {}}),
        (
            {"name": "v", "secret": {"secretName": "s"}},
            {"name": "v", "secret": {"secretName": "s", "defaultMode": 420}},
        ),
        (
            {"name": "v", "hostPath": {"path": "/x"}},
            {"name": "v", "hostPath": {"path": "/x", "type": ""}},
        ),
        (
            {"name": "v", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}},
            {
                "name": "v",
                "projected": {
                    "defaultMode": 420,
                    "sources": [{"serviceAccountToken": {"path": "t", "expirationSeconds": 3600}}],
                },
            },
        ),
    ],
)
def test_volumes(given: dict[str, Any], expected: dict[str, Any]) -> None:
    assert default_pod_spec({"volumes": [given]}, SERVER)["volumes"] == [expected]


def test_host_network_takes_the_ports_of_the_host() -> None:
    spec = {"hostNetwork": True, "containers": [{"name": "a", "image": "i", "ports": [{"containerPort": 80}]}]}
    assert default_pod_spec(spec, SERVER)["containers"][0]["ports"][0]["hostPort"] == 80


@pytest.mark.parametrize(
    ("text", "value", "written"),
    [
        ("1", 1, "1"),
        ("0.5", Decimal("0.5"), "500m"),
        ("100m", Decimal("0.1"), "100m"),
        ("1000m", 1, "1"),
        ("1500", 1500, "1500"),
        ("2000", 2000, "2k"),
        ("1024Mi", 2**30, "1Gi"),
        ("1.5Gi", 3 * 2**29, "1536Mi"),
        ("1e3", 1000, "1e3"),
        ("0.0001", Decimal("0.0001"), "1m"),
        ("-1", -1, "-1"),
        ("0Gi", 0, "0"),
        ("128974848", 128974848, "128974848"),
    ],
)
def test_quantities(text: str, value: int | Decimal, written: str) -> None:
    assert quantity(text) == value
    assert canonical(text, -3) == written


@pytest.mark.parametrize("text", ["", "a", "1KK", "1 Gi", "--1", "1e"])
def test_what_is_no_quantity(text: str) -> None:
    with pytest.raises(NotAQuantity):
        quantity(text)


BOTH = {"cpu": "1", "memory": "1Gi"}


@pytest.mark.parametrize(
    ("resources", "inits", "expected"),
    [
        ({}, [], "BestEffort"),
        ({"requests": {"example.com/g": "1"}, "limits": {"example.com/g": "1"}}, [], "BestEffort"),
        ({"requests": {"cpu": "1"}}, [], "Burstable"),
        ({"requests": BOTH, "limits": BOTH}, [], "Guaranteed"),
        ({"requests": BOTH, "limits": BOTH}, [{}], "Burstable"),
        ({"requests": BOTH, "limits": BOTH}, [{"requests": BOTH, "limits": BOTH}], "Guaranteed"),
        ({"requests": {"cpu": "1", "memory": "1024Mi"}, "limits": BOTH}, [], "Guaranteed"),
        ({"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": BOTH}, [], "Burstable"),
    ],
)
def test_quality_of_service(resources: dict[str, Any], inits: list[dict[str, Any]], expected: str) -> None:
    spec = {"containers": [{"resources": resources}], "initContainers": [{"resources": entry} for entry in inits]}
    assert qos_class(spec, SERVER) == expected
