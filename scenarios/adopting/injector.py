"""An example injector: a mutating webhook that adds a sidecar to Pods, with one policy for each way of deciding how.

The tutorial "Adopting Sidecar Containers" lists the ways in which an injector can find out whether native sidecars work
where a Pod will run. Each is a function here, ``policy(review, cluster, **options)``: it gets an AdmissionReview and
something with ``get_raw(path)``, and returns a JSON patch or None. In a scenario of kubesim:

    webhooks: [{name: inject.example.com, python: {name: injector.by_release}}]

As a real webhook over HTTPS, with a certificate made for the occasion (needs ``openssl``):

    python injector.py --policy by_label --directory /tmp/injector

It writes ``webhook.yaml`` there, the MutatingWebhookConfiguration with its address and its CA bundle, to be given to
``kubectl apply -f`` or, beside the manifests, to ``kubesim run``. Nothing but the standard library is needed, and
nothing of kubesim: it would run beside a real cluster as it is, with ``--api`` naming a ``kubectl proxy``.
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import ssl
import subprocess
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol

Json = dict[str, Any]
Patch = list[Json]

DONE = "example.com/injected"
"""The annotation with the way that was taken; a Pod that has it is left alone."""
FIRST_NATIVE = (1, 29)
"""The first release in which sidecars are on by default."""
OLDEST_KUBELET = 3
"""How many minor releases a kubelet may be behind its API server."""
IMAGE = "busybox:1.36"
REQUESTS = {"cpu": "100m", "memory": "64Mi"}
PROXY = "echo proxy up; trap 'echo proxy down; exit 0' TERM; sleep 36000 & wait"


class Cluster(Protocol):
    """Whom a policy may ask."""

    def get_raw(self, path: str) -> str: ...


# -- the pieces of a patch --------------------------------------------------------------------------------------------


def native(name: str = "proxy", script: str = PROXY, **more: Any) -> Json:
    """A native sidecar: an init container with a restartPolicy of its own."""
    return {**container(name, script), "restartPolicy": "Always", **more}


def container(name: str, script: str, **more: Any) -> Json:
    """A container with the sidecar's image and requests."""
    return {"name": name, "image": IMAGE, "command": ["sh", "-c", script], "resources": {"requests": REQUESTS}, **more}


def insert(pod: Json, path: str, entry: Json, *, first: bool = False) -> Json:
    """The operation that puts an entry into a list of the Pod, which may not be there yet.

    A native sidecar goes first: init containers before it would run without it.
    """
    there: Any = pod
    for step in path.split("/")[1:]:
        there = (there or {}).get(step)
    if not there:
        return {"op": "add", "path": path, "value": [entry]}
    return {"op": "add", "path": f"{path}/{0 if first else '-'}", "value": entry}


def mark(pod: Json, way: str) -> Json:
    """The operation that notes on the Pod which way was taken."""
    annotations = pod["metadata"].get("annotations") or {}
    return {"op": "add", "path": "/metadata/annotations", "value": {**annotations, DONE: way}}


def injected(pod: Json, *, natively: bool, way: str) -> Patch:
    """The sidecar as a native one, or the old way: as one more container, which keeps a Job from ever completing."""
    if natively:
        return [insert(pod, "/spec/initContainers", native(), first=True), mark(pod, f"native {way}")]
    return [insert(pod, "/spec/containers", container("proxy", PROXY)), mark(pod, f"old way {way}")]


def pod_in(review: Json) -> Json | None:
    """The Pod to be created; None where the sidecar is there already, or is not wanted."""
    pod: Json = review["request"]["object"]
    annotations = pod["metadata"].get("annotations") or {}
    return None if DONE in annotations or annotations.get("example.com/inject") == "no" else pod


# -- asking the cluster -----------------------------------------------------------------------------------------------


def nodes_of(cluster: Cluster) -> list[Json]:
    """All nodes there are."""
    found: list[Json] = json.loads(cluster.get_raw("/api/v1/nodes"))["items"]
    return found


def release_in(text: str) -> tuple[int, int]:
    """``v1.29.3`` as (1, 29)."""
    found = re.match(r"v(\d+)\.(\d+)", text)
    if found is None:
        raise ValueError(f"{text!r} is no release")
    return int(found[1]), int(found[2])


def is_on(metrics: str) -> bool:
    """Whether ``/metrics`` of a component says that SidecarContainers is on."""
    return (
        re.search(r'^kubernetes_feature_enabled\{name="SidecarContainers",stage="\w*"\} 1$', metrics, re.M) is not None
    )


# -- the policies -----------------------------------------------------------------------------------------------------


def by_label(review: Json, cluster: Cluster, *, label: str = "example.com/sidecars") -> Patch | None:
    """Native, and only onto nodes that somebody has labelled as fit for it.

    It fails where a label is wrong, and where no node with the label has room.
    """
    pod = pod_in(review)
    if pod is None:
        return None
    wanted = {"matchExpressions": [{"key": label, "operator": "In", "values": ["native"]}]}
    affinity = pod["spec"].get("affinity") or {}
    node_affinity = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [wanted]}}
    bound = {"op": "add", "path": "/spec/affinity", "value": {**affinity, "nodeAffinity": node_affinity}}
    return [*injected(pod, natively=True, way="by label"), bound]


def by_release(review: Json, cluster: Cluster) -> Patch | None:
    """Native if every kubelet is of a release that has sidecars by default.

    It fails where the gate was switched off by hand: the release does not tell.
    """
    pod = pod_in(review)
    if pod is None:
        return None
    releases = [release_in(node["status"]["nodeInfo"]["kubeletVersion"]) for node in nodes_of(cluster)]
    return injected(pod, natively=all(one >= FIRST_NATIVE for one in releases), way="by release")


def by_metrics(review: Json, cluster: Cluster) -> Patch | None:
    """Native if the API server and every kubelet say that the gate is on.

    It fails where another part has the gate off (the scheduler), and does not see that 1.28 stops sidecars too early.
    """
    pod = pod_in(review)
    if pod is None:
        return None
    paths = [f"/api/v1/nodes/{node['metadata']['name']}/proxy/metrics" for node in nodes_of(cluster)]
    return injected(pod, natively=all(is_on(cluster.get_raw(path)) for path in ["/metrics", *paths]), way="by metrics")


def by_skew(review: Json, cluster: Cluster) -> Patch | None:
    """Native if even the oldest kubelet that this API server supports has sidecars by default: no node is asked.

    It fails where a node is older than what is supported, or has the gate off.
    """
    pod = pod_in(review)
    if pod is None:
        return None
    major, minor = release_in(json.loads(cluster.get_raw("/version"))["gitVersion"])
    return injected(pod, natively=(major, minor - OLDEST_KUBELET) >= FIRST_NATIVE, way="by skew")


def by_check(review: Json, cluster: Cluster, *, path: str) -> Patch | None:
    """Native if a ConfigMap of the operator says so, who has a check of their own for their kind of cluster.

    It fails where the cluster has changed since the check was made.
    """
    pod = pod_in(review)
    if pod is None:
        return None
    says = (json.loads(cluster.get_raw(path)).get("data") or {}).get("native")
    return injected(pod, natively=says == "true", way="by a check")


WAIT = "for i in 1 2 3 4 5; do if [ -f /shared/native ]; then break; fi; sleep 1; done"
FOREVER = "trap 'echo proxy down; exit 0' TERM; sleep 36000 & wait"
NATIVE_SIDECAR = f"""\
if [ -f /shared/first-run ]; then
  touch /shared/native
  echo native-sidecar is the sidecar
  {FOREVER}
else
  touch /shared/first-run
  echo native-sidecar: first run
fi"""
OLD_WAY_SIDECAR = f"""\
WAIT
if [ -f /shared/native ]; then
  echo old-way-sidecar: not needed
  IDLE
else
  echo old-way-sidecar is the sidecar
  {FOREVER}
fi"""


def universal(review: Json, cluster: Cluster, *, wait: bool = True) -> Patch | None:
    """Both at once, over a volume that they share: whoever finds itself supported does the work.

    The native container ends after its first run; where it is started again, it knows that it is a sidecar. The other
    one sees that, and idles in a Pod that restarts its containers, or ends. Without ``wait`` it looks at once, and
    takes the part before the native one has come back: both are active.
    """
    pod = pod_in(review)
    if pod is None:
        return None
    idle = FOREVER if pod["spec"].get("restartPolicy", "Always") == "Always" else "exit 0"
    old_way = OLD_WAY_SIDECAR.replace("WAIT", WAIT if wait else ":").replace("IDLE", idle)
    return _both(pod, NATIVE_SIDECAR, old_way, [{"name": "sidecar-shared", "emptyDir": {}}], "universal")


CHECKING_NATIVE = f"""\
release=$(cat /node/kubelet-release)
if [ "$release" -ge {FIRST_NATIVE[1]} ]; then
  touch /shared/native
  echo native-sidecar is the sidecar
  {FOREVER}
fi
echo "native-sidecar: 1.$release is too old\""""


def universal_by_release(review: Json, cluster: Cluster) -> Patch | None:
    """Both at once, without the first run: the native one reads the release of its node, and ends if it is too old.

    Who writes ``/etc/example.com/kubelet-release`` onto each node is a DaemonSet of the operator. It hangs where the
    release is new enough and sidecars are off all the same.
    """
    pod = pod_in(review)
    if pod is None:
        return None
    idle = FOREVER if pod["spec"].get("restartPolicy", "Always") == "Always" else "exit 0"
    old_way = OLD_WAY_SIDECAR.replace("WAIT", ":").replace("IDLE", idle)
    volumes = [
        {"name": "sidecar-shared", "emptyDir": {}},
        {"name": "sidecar-node", "hostPath": {"path": "/etc/example.com", "type": "DirectoryOrCreate"}},
    ]
    return _both(pod, CHECKING_NATIVE, old_way, volumes, "universal by release")


def _both(pod: Json, native_script: str, old_way_script: str, volumes: list[Json], way: str) -> Patch:
    """The two containers, the volumes they share, and the mark. The Pod asks for the sidecar's resources twice."""
    paths = {"sidecar-shared": "/shared", "sidecar-node": "/node"}
    mounts = [{"name": volume["name"], "mountPath": paths[volume["name"]]} for volume in volumes]
    patch = [
        insert(pod, "/spec/initContainers", native("native-sidecar", native_script, volumeMounts=mounts), first=True),
        insert(pod, "/spec/containers", container("old-way-sidecar", old_way_script, volumeMounts=mounts)),
        mark(pod, way),
    ]
    there = bool(pod["spec"].get("volumes"))
    for volume in volumes:
        value: Any = volume if there else [volume]
        patch.append({"op": "add", "path": f"/spec/volumes{'/-' if there else ''}", "value": value})
        there = True
    return patch


KNOWN_TO_AN_OLD_CLIENT = {
    *("name", "image", "command", "args", "workingDir", "ports", "envFrom", "env", "resources", "resizePolicy"),
    *("volumeMounts", "volumeDevices", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle"),
    *("terminationMessagePath", "terminationMessagePolicy", "imagePullPolicy", "securityContext"),
    *("stdin", "stdinOnce", "tty"),
}
"""The fields of a container that a client library of 1.27 has."""


def label_with_an_old_client(review: Json, cluster: Cluster) -> Patch | None:
    """Not an injector: a tool that means to set a label only, and was built before 1.28.

    It decodes the Pod into the types it knows, changes it, and answers with the difference to what it then has: so it
    takes ``restartPolicy`` from init containers, which it does not know and never meant to touch.
    """
    pod: Json = review["request"]["object"]
    labels = {**(pod["metadata"].get("labels") or {}), "example.com/team": "a"}
    patch: Patch = [{"op": "add", "path": "/metadata/labels", "value": labels}]
    for kind in ("initContainers", "containers"):
        for number, entry in enumerate(pod["spec"].get(kind) or ()):
            unknown = sorted(entry.keys() - KNOWN_TO_AN_OLD_CLIENT)
            patch += [{"op": "remove", "path": f"/spec/{kind}/{number}/{field}"} for field in unknown]
    return patch


POLICIES = {
    policy.__name__: policy
    for policy in (
        *(by_label, by_release, by_metrics, by_skew, by_check),
        *(universal, universal_by_release, label_with_an_old_client),
    )
}


# -- as a real webhook ------------------------------------------------------------------------------------------------


class Proxy:
    """A cluster behind a ``kubectl proxy``."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def get_raw(self, path: str) -> str:
        """The body of a GET."""
        if not self.url:
            raise ValueError("this policy asks the cluster: give --api the address of a kubectl proxy")
        with urllib.request.urlopen(self.url + path, timeout=5) as answer:
            return str(answer.read().decode())


def answer_to(review: Json, policy: Any, cluster: Cluster) -> Json:
    """The AdmissionReview with the response in it."""
    patch = policy(review, cluster)
    response: Json = {"uid": review["request"]["uid"], "allowed": True}
    if patch:
        response |= {"patchType": "JSONPatch", "patch": base64.b64encode(json.dumps(patch).encode()).decode()}
    return {"apiVersion": review["apiVersion"], "kind": review["kind"], "response": response}


def server(policy: Any, cluster: Cluster, directory: Path, port: int) -> ThreadingHTTPServer:
    """An HTTPS server on the loopback interface; port 0 takes a free one."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the name is http.server's
            review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            try:
                status, body = 200, json.dumps(answer_to(review, policy, cluster)).encode()
            except (OSError, ValueError, KeyError) as problem:
                status, body = 500, str(problem).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *values: Any) -> None:  # http.server writes each request to stderr
            pass

    certificate, key = certificate_in(directory)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listening = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    listening.socket = context.wrap_socket(listening.socket, server_side=True)
    return listening


def certificate_in(directory: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that is its own authority, good for a day, and its key; made anew each time."""
    directory.mkdir(parents=True, exist_ok=True)
    certificate, key = directory / "ca.pem", directory / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-subj", "/CN=injector", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-days", "1"),
            *("-out", str(certificate), "-keyout", str(key)),
        ],
        check=True,
        capture_output=True,
    )
    return certificate, key


def configuration(port: int, certificate: Path) -> str:
    """The MutatingWebhookConfiguration of this server, as a manifest."""
    bundle = base64.b64encode(certificate.read_bytes()).decode()
    webhook = {
        "name": "inject.example.com",
        "clientConfig": {"url": f"https://127.0.0.1:{port}/mutate", "caBundle": bundle},
        "rules": [{"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}],
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "timeoutSeconds": 5,
    }
    manifest = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": "injector"},
        "webhooks": [webhook],
    }
    return json.dumps(manifest, indent=2) + "\n"


def main() -> None:
    """Serve one policy until interrupted."""
    parser = argparse.ArgumentParser(description="An example injector of sidecars, as a real mutating webhook.")
    parser.add_argument("--policy", choices=sorted(POLICIES), required=True)
    parser.add_argument(
        "--directory", type=Path, required=True, help="for the certificate (ca.pem), its key, and webhook.yaml"
    )
    parser.add_argument("--port", type=int, default=0, help="0: a free one")
    parser.add_argument("--api", default="", help="the address of a kubectl proxy, for policies that ask the cluster")
    chosen = parser.parse_args()
    listening = server(POLICIES[chosen.policy], Proxy(chosen.api), chosen.directory, chosen.port)
    registration = chosen.directory / "webhook.yaml"
    registration.write_text(configuration(listening.server_port, chosen.directory / "ca.pem"))
    print(f"listening on https://127.0.0.1:{listening.server_port}; registered by {registration}", flush=True)
    try:
        listening.serve_forever()
    except KeyboardInterrupt:
        listening.server_close()


if __name__ == "__main__":
    main()
