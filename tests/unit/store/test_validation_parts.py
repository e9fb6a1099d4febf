"""Validation part by part: environment, volumes, security, metadata, less common fields of Pods and Jobs."""

from __future__ import annotations

from typing import Any

import pytest

from kubesim.releases import release
from kubesim.store import formats
from kubesim.store.defaulting import default_job, default_pod_spec
from kubesim.store.field_errors import FieldError
from kubesim.store.prepare import with_generated_selector
from kubesim.store.validation_job import job_errors, job_warnings, selects
from kubesim.store.validation_meta import metadata_errors
from kubesim.store.validation_pod import pod_spec_errors

SERVER = release("1.33", component="apiserver")
QUALIFIED = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)


def texts(errors: list[FieldError]) -> list[str]:
    return [error.text for error in errors]


def of_spec(**spec: Any) -> list[str]:
    filled = default_pod_spec({"containers": [{"name": "app", "image": "i"}], **spec}, SERVER)
    return texts(pod_spec_errors(filled, "spec", SERVER))


def of_main(**fields: Any) -> list[str]:
    found = of_spec(containers=[{"name": "app", "image": "i", **fields}], volumes=[{"name": "v"}])
    return [text.removeprefix("spec.containers[0].") for text in found]


def env(**source: Any) -> dict[str, Any]:
    return {"env": [{"name": "A", "valueFrom": source}]}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            env(),
            'env[0].valueFrom: Invalid value: "": must specify one of: `fieldRef`, `resourceFieldRef`, '
            "`configMapKeyRef` or `secretKeyRef`",
        ),
        (
            env(configMapKeyRef={"name": "c", "key": "k"}, secretKeyRef={"name": "s", "key": "k"}),
            'env[0].valueFrom: Invalid value: "": may not have more than one field specified at a time',
        ),
        (env(configMapKeyRef={"name": "c"}), "env[0].valueFrom.configMapKeyRef.key: Required value"),
        (
            env(secretKeyRef={"name": "s", "key": ".."}),
            "env[0].valueFrom.secretKeyRef.key: Invalid value: \"..\": must not be '..'",
        ),
        (
            env(fieldRef={"fieldPath": "spec.volumes"}),
            'env[0].valueFrom.fieldRef.fieldPath: Invalid value: "spec.volumes": error converting fieldPath: field '
            "label not supported: spec.volumes",
        ),
        (
            env(fieldRef={"fieldPath": "metadata.name['a']"}),
            "env[0].valueFrom.fieldRef.fieldPath: Invalid value: \"metadata.name['a']\": error converting fieldPath: "
            "field label does not support subscript: metadata.name['a']",
        ),
        (
            env(fieldRef={"fieldPath": "metadata.labels['a b']"}),
            f'env[0].valueFrom.fieldRef: Invalid value: "a b": {QUALIFIED}',
        ),
        (
            env(fieldRef={"fieldPath": "metadata.name", "apiVersion": "v2"}),
            'env[0].valueFrom.fieldRef.fieldPath: Invalid value: "metadata.name": error converting fieldPath: '
            "unsupported pod version: v2",
        ),
        (env(fieldRef={}), "env[0].valueFrom.fieldRef.fieldPath: Required value"),
        (env(resourceFieldRef={}), "env[0].valueFrom.resourceFieldRef.resource: Required value"),
        (
            env(resourceFieldRef={"resource": "limits.gpu"}),
            'env[0].valueFrom.resourceFieldRef.resource: Unsupported value: "limits.gpu": supported values: '
            '"limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu", '
            '"requests.ephemeral-storage", "requests.memory"',
        ),
        ({"envFrom": [{}]}, 'envFrom: Invalid value: "": must specify one of: `configMapRef` or `secretRef`'),
        ({"envFrom": [{"configMapRef": {}}]}, "envFrom[0].configMapRef.name: Required value"),
        (
            {"envFrom": [{"configMapRef": {"name": "a"}, "secretRef": {"name": "b"}}]},
            'envFrom: Invalid value: "": may not have more than one field specified at a time',
        ),
        (
            {"envFrom": [{"prefix": "a=", "secretRef": {"name": "b"}}]},
            'envFrom[0].prefix: Invalid value: "a=": a valid environment variable name must consist only of printable '
            "ASCII characters other than '='",
        ),
    ],
)
def test_environment(fields: dict[str, Any], expected: str) -> None:
    assert of_main(**fields) == [expected]


@pytest.mark.parametrize(
    "source",
    [
        {"fieldRef": {"fieldPath": "metadata.labels['app.kubernetes.io/name']"}},
        {"fieldRef": {"fieldPath": "status.hostIPs"}},
        {"resourceFieldRef": {"resource": "limits.hugepages-2Mi"}},
        {"secretKeyRef": {"name": "s", "key": "tls.crt"}},
    ],
)
def test_environment_that_is_well_formed(source: dict[str, Any]) -> None:
    assert of_main(**env(**source)) == []


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"volumeMounts": [{"name": "v"}]}, "volumeMounts[0].mountPath: Required value"),
        (
            {"volumeMounts": [{"name": "v", "mountPath": "/a", "subPath": "/b"}]},
            'volumeMounts.subPath: Invalid value: "/b": must be a relative path',
        ),
        (
            {"volumeMounts": [{"name": "v", "mountPath": "/a", "subPath": "b/.."}]},
            "volumeMounts.subPath: Invalid value: \"b/..\": must not contain '..'",
        ),
        (
            {"volumeMounts": [{"name": "v", "mountPath": "/a", "subPath": "b", "subPathExpr": "c"}]},
            'volumeMounts[0].subPathExpr: Invalid value: "c": subPathExpr and subPath are mutually exclusive',
        ),
        (
            {"volumeMounts": [{"name": "v", "mountPath": "/a", "mountPropagation": "Both"}]},
            'volumeMounts[0].mountPropagation: Unsupported value: "Both": supported values: "Bidirectional", '
            '"HostToContainer", "None"',
        ),
        (
            {"volumeDevices": [{"name": "v", "devicePath": "/dev/a"}]},
            'volumeDevices[0].name: Invalid value: "v": can only use volume source type of PersistentVolumeClaim or '
            "Ephemeral for block mode",
        ),
        (
            {"resources": {"requests": {"hugepages-2Mi": "2Mi"}, "limits": {"hugepages-2Mi": "2Mi"}}},
            "resources: Forbidden: HugePages require cpu or memory",
        ),
        (
            {"resources": {"requests": {"example.com/g": "1"}, "limits": {"example.com/g": "2"}}},
            'resources.requests: Invalid value: "1": must be equal to example.com/g limit of 2',
        ),
        (
            {"securityContext": {"runAsUser": -1}},
            "securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive",
        ),
        (
            {"resizePolicy": [{"resourceName": "disk", "restartPolicy": "NotRequired"}]},
            'resizePolicy: Unsupported value: "disk": supported values: "cpu", "memory"',
        ),
        (
            {"ports": [{"containerPort": 1, "hostPort": 5}, {"containerPort": 2, "hostPort": 5}]},
            'ports[1].hostPort: Duplicate value: "TCP//5"',
        ),
    ],
)
def test_containers(fields: dict[str, Any], expected: str) -> None:
    assert of_main(**fields) == [expected]


@pytest.mark.parametrize(
    ("volume", "expected"),
    [
        ({"hostPath": {}}, "hostPath.path: Required value"),
        ({"hostPath": {"path": "/a/../b"}}, "hostPath.path: Invalid value: \"/a/../b\": must not contain '..'"),
        ({"secret": {}}, "secret.secretName: Required value"),
        (
            {"secret": {"secretName": "s", "defaultMode": 512}},
            "secret.defaultMode: Invalid value: 512: must be a number between 0 and 0777 (octal), both inclusive",
        ),
        ({"configMap": {"name": "c", "items": [{"key": "k"}]}}, "configMap.items[0].path: Required value"),
        (
            {"configMap": {"name": "c", "items": [{"key": "k", "path": "/abs"}]}},
            'configMap.items[0].path: Invalid value: "/abs": must be a relative path',
        ),
        ({"persistentVolumeClaim": {}}, "persistentVolumeClaim.claimName: Required value"),
        ({"nfs": {"server": "s", "path": "rel"}}, 'nfs.path: Invalid value: "rel": must be an absolute path'),
        (
            {"downwardAPI": {"items": [{"path": "a"}]}},
            "downwardAPI: Required value: one of fieldRef and resourceFieldRef is required",
        ),
        (
            {"downwardAPI": {"items": [{"path": "a", "resourceFieldRef": {"resource": "limits.cpu"}}]}},
            "downwardAPI.resourceFieldRef.containerName: Required value",
        ),
        (
            {"projected": {"sources": [{"configMap": {"name": "c"}, "secret": {"name": "s"}}]}},
            "projected.sources[0].configMap: Forbidden: may not specify more than 1 volume type per source",
        ),
        (
            {"projected": {"sources": [{"serviceAccountToken": {}}]}},
            "projected.sources[0].serviceAccountToken.path: Required value",
        ),
        (
            {"emptyDir": {"sizeLimit": "-1"}},
            "emptyDir.sizeLimit: Forbidden: SizeLimit field must be a valid resource quantity",
        ),
    ],
)
def test_volumes(volume: dict[str, Any], expected: str) -> None:
    assert of_spec(volumes=[{"name": "v", **volume}]) == [f"spec.volumes[0].{expected}"]


def test_a_volume_with_errors_cannot_be_mounted() -> None:
    found = of_spec(
        containers=[{"name": "app", "image": "i", "volumeMounts": [{"name": "v", "mountPath": "/v"}]}],
        volumes=[{"name": "v", "hostPath": {}}],
    )
    assert found[-1] == 'spec.containers[0].volumeMounts[0].name: Not found: "v"'


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (
            {"tolerations": [{"operator": "Equal"}]},
            'tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, which means '
            '"match all values and all keys"',
        ),
        (
            {"tolerations": [{"key": "k", "operator": "Exists", "tolerationSeconds": 1}]},
            "tolerations[0].effect: Invalid value: \"\": effect must be 'NoExecute' when `tolerationSeconds` is set",
        ),
        (
            {"tolerations": [{"key": "k", "operator": "Near"}]},
            'tolerations[0].operator: Unsupported value: "Near": supported values: "Equal", "Exists"',
        ),
        (
            {"tolerations": [{"key": "k", "operator": "Exists", "effect": "Nope"}]},
            'tolerations[0].effect: Unsupported value: "Nope": supported values: "NoSchedule", "PreferNoSchedule", '
            '"NoExecute"',
        ),
        (
            {"dnsPolicy": "None", "dnsConfig": {}},
            "dnsConfig.nameservers: Required value: must provide at least one DNS nameserver when `dnsPolicy` is None",
        ),
        (
            {"dnsConfig": {"nameservers": ["1.2.3"]}},
            'dnsConfig.nameservers[0]: Invalid value: "1.2.3": must be a valid IP address, (e.g. 10.9.8.7 or '
            "2001:db8::ffff)",
        ),
        (
            {"dnsConfig": {"nameservers": ["1.1.1.1", "1.1.1.2", "1.1.1.3", "1.1.1.4"]}},
            'dnsConfig.nameservers: Invalid value: []string{"1.1.1.1", "1.1.1.2", "1.1.1.3", "1.1.1.4"}: must not have '
            "more than 3 nameservers",
        ),
        (
            {"hostAliases": [{"ip": "x", "hostnames": ["a"]}]},
            'hostAliases[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
        ),
        (
            {"topologySpreadConstraints": [{"maxSkew": 0, "topologyKey": "z", "whenUnsatisfiable": "DoNotSchedule"}]},
            "topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero",
        ),
        (
            {"hostPID": True, "shareProcessNamespace": True},
            "securityContext.shareProcessNamespace: Invalid value: true: ShareProcessNamespace and HostPID cannot both "
            "be enabled",
        ),
        ({"os": {"name": "beos"}}, 'os: Unsupported value: "beos": supported values: "linux", "windows"'),
        ({"overhead": {"cpu": "-1"}}, 'overhead.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0'),
        ({"imagePullSecrets": [{}]}, "imagePullSecrets[0].name: Required value"),
        (
            {"ephemeralContainers": [{"name": "e", "image": "i", "ports": [{"containerPort": 1}]}]},
            "ephemeralContainers[0].ports: Forbidden: cannot be set for an Ephemeral Container",
        ),
        (
            {"ephemeralContainers": [{"name": "app", "image": "i"}]},
            'ephemeralContainers[0].name: Duplicate value: "app"',
        ),
        (
            {"ephemeralContainers": [{"name": "e", "image": "i", "targetContainerName": "x"}]},
            'ephemeralContainers[0].targetContainerName: Not found: "x"',
        ),
    ],
)
def test_pods(spec: dict[str, Any], expected: str) -> None:
    assert of_spec(**spec) == [f"spec.{expected}"]


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({"name": ""}, ["metadata.name: Required value: name or generateName is required"]),
        ({"name": "a", "namespace": ""}, ["metadata.namespace: Required value"]),
        ({"name": "a", "annotations": {"a b": ""}}, [f'metadata.annotations: Invalid value: "a b": {QUALIFIED}']),
        (
            {"name": "a", "annotations": {"a": "x" * 262144}},
            ["metadata.annotations: Too long: may not be more than 262144 bytes"],
        ),
        (
            {"name": "a", "finalizers": ["orphan", "foregroundDeletion"]},
            ["metadata.finalizers: Invalid value: finalizer orphan and foregroundDeletion cannot be both set"],
        ),
        (
            {"name": "a", "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "", "uid": "u"}]},
            ['metadata.ownerReferences[0].name: Invalid value: "": must not be empty'],
        ),
    ],
)
def test_metadata(metadata: dict[str, Any], expected: list[str]) -> None:
    assert texts(metadata_errors({"namespace": "ns", **metadata}, SERVER)) == expected


def test_cluster_scoped_objects_have_no_namespace() -> None:
    found = metadata_errors({"name": "a", "namespace": "ns"}, SERVER, namespaced=False)
    assert texts(found) == ["metadata.namespace: Forbidden: not allowed on this type"]


@pytest.mark.parametrize(
    ("complaints", "expected"),
    [
        (formats.port_name("123"), ["must contain at least one letter (a-z)"]),
        (formats.port_name("a--b"), ["must not contain consecutive hyphens"]),
        (formats.port_name("-a"), ["must not begin or end with a hyphen"]),
        (formats.env_name("..a"), ["must not start with '..'"]),
        (formats.qualified_name("/a", "bytes"), ["prefix part must be non-empty"]),
        (formats.as_prefix(formats.dns_subdomain, "web-"), []),
        (formats.header_name("X-A"), []),
        (
            formats.header_name("a b"),
            [
                "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used "
                "for validation is '[-A-Za-z0-9]+')"
            ],
        ),
    ],
)
def test_formats(complaints: list[str], expected: list[str]) -> None:
    assert complaints == expected


def test_a_name_with_two_slashes() -> None:
    [said] = formats.qualified_name("a/b/c", "bytes")
    assert said.startswith("a qualified name must consist of")
    assert said.endswith("with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')")


def a_job(**spec: Any) -> dict[str, Any]:
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "work", "image": "i:1"}]}}
    job = {"metadata": {"name": "j", "namespace": "ns", "uid": "u"}, "spec": {"template": template, **spec}}
    filled = default_job(job, SERVER)
    return {**filled, "spec": with_generated_selector(filled["metadata"], filled["spec"])}


MANY = {"completionMode": "Indexed", "completions": 100_001, "backoffLimitPerIndex": 1}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (
            {**MANY, "parallelism": 10_001, "maxFailedIndexes": 10_001},
            [
                f"spec.{name}: Invalid value: 10001: must be less than or equal to 10000 when completions are above "
                "100000 and used with backoff limit per index"
                for name in ("parallelism", "maxFailedIndexes")
            ],
        ),
        (MANY, ["spec.maxFailedIndexes: Required value: must be specified when completions is above 100000"]),
        (
            {"completionMode": "Indexed", "parallelism": 1},
            ["spec.completions: Required value: when completion mode is Indexed"],
        ),
        ({"managedBy": ""}, ["spec.managedBy: Required value"]),
        (
            {"podFailurePolicy": {"rules": [{"action": "Ignore", "onPodConditions": [{"type": "A", "status": "No"}]}]}},
            [
                'spec.podFailurePolicy.rules[0].onPodConditions[0].status: Unsupported value: "No": supported values: '
                '"False", "True", "Unknown"'
            ],
        ),
        (
            {
                "podFailurePolicy": {
                    "rules": [{"action": "FailJob", "onExitCodes": {"operator": "In", "values": [0, 1, 1]}}]
                }
            },
            [
                "spec.podFailurePolicy.rules[0].onExitCodes.values[0]: Invalid value: 0: must not be 0 for the In "
                "operator",
                "spec.podFailurePolicy.rules[0].onExitCodes.values[2]: Duplicate value: 1",
            ],
        ),
        (
            {"podFailurePolicy": {"rules": [{"action": "FailIndex", "onExitCodes": {"operator": "", "values": [1]}}]}},
            [
                'spec.podFailurePolicy.rules[0].action: Invalid value: "FailIndex": requires the backoffLimitPerIndex '
                "to be set",
                'spec.podFailurePolicy.rules[0].onExitCodes.operator: Required value: valid values: ["In" "NotIn"]',
            ],
        ),
        (
            {"completionMode": "Indexed", "completions": 3, "successPolicy": {"rules": [{}]}},
            [
                "spec.successPolicy.rules[0]: Required value: at least one of succeededCount or succeededIndexes must "
                "be specified"
            ],
        ),
        (
            {"completionMode": "Indexed", "completions": 3, "successPolicy": {"rules": [{"succeededIndexes": "0,5"}]}},
            [
                'spec.successPolicy.rules[0].succeededIndexes: Invalid value: "0,5": error parsing succeededIndexes: '
                'too large index: "5"'
            ],
        ),
        (
            {
                "template": {
                    "metadata": {"labels": {"job-name": "mine"}},
                    "spec": {"restartPolicy": "Never", "containers": [{"name": "w", "image": "i"}]},
                }
            },
            [
                'spec.template.metadata.labels[job-name]: Invalid value: map[string]string{"batch.kubernetes.io/'
                'controller-uid":"u", "batch.kubernetes.io/job-name":"j", "controller-uid":"u", "job-name":"mine"}: '
                "must be 'j'"
            ],
        ),
    ],
)
def test_jobs(spec: dict[str, Any], expected: list[str]) -> None:
    assert texts(job_errors(a_job(**spec), SERVER)) == expected


def test_a_very_wide_job_is_warned_of() -> None:
    [said] = job_warnings(a_job(**MANY, parallelism=10_001), SERVER)
    assert said.startswith("spec: In Indexed Jobs with a number of completions higher than 10^5")
    assert job_warnings(a_job(), SERVER) == []


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ({"key": "a", "operator": "In", "values": ["1"]}, True),
        ({"key": "b", "operator": "In", "values": ["1"]}, False),
        ({"key": "a", "operator": "NotIn", "values": ["1"]}, False),
        ({"key": "b", "operator": "NotIn", "values": ["1"]}, True),
        ({"key": "a", "operator": "Exists"}, True),
        ({"key": "a", "operator": "DoesNotExist"}, False),
        ({"key": "b", "operator": "DoesNotExist"}, True),
    ],
)
def test_selectors(expression: dict[str, Any], holds: bool) -> None:
    assert selects({"matchExpressions": [expression]}, {"a": "1"}) is holds


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (
            "1.33",
            '[]core.ContainerResizePolicy{core.ContainerResizePolicy{ResourceName:"cpu", RestartPolicy:"NotRequired"}}',
        ),
        ("1.36", '[{"ResourceName":"cpu","RestartPolicy":"NotRequired"}]'),
    ],
)
def test_a_plain_init_has_no_resize_policy(name: str, shown: str) -> None:
    """C-28."""
    server = release(name, component="apiserver")
    policy = [{"resourceName": "cpu", "restartPolicy": "NotRequired"}]
    init = {"name": "setup", "image": "i", "resizePolicy": policy}
    spec = default_pod_spec({"containers": [{"name": "app", "image": "i"}], "initContainers": [init]}, server)
    assert texts(pod_spec_errors(spec, "spec", server)) == [
        f"spec.initContainers[0].resizePolicy: Invalid value: {shown}: must not be set for init containers"
    ]
    sidecar = {**init, "restartPolicy": "Always"}
    spec = default_pod_spec({"containers": [{"name": "app", "image": "i"}], "initContainers": [sidecar]}, server)
    assert pod_spec_errors(spec, "spec", server) == []
