"""Webhooks that are really called: a process on the loopback interface gets an AdmissionReview over HTTPS."""

from __future__ import annotations

import base64
import importlib.util
import io
import json
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner

from kubesim.api import load, run
from kubesim.cli import main
from kubesim.errors import ScenarioError
from kubesim.history.history import History
from kubesim.history.records import Admitted, NotModelled
from kubesim.timelines.asked import raw_get
from kubesim.timelines.lost_sidecars import lost_sidecars
from kubesim.units import MILLISECOND, SECOND

FOLDER = Path(__file__).parents[3] / "scenarios" / "adopting"
POD = FOLDER / "pod-with-a-sidecar.yaml"
Json = dict[str, Any]
Policy = Callable[[Json, Any], Any]

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificates")


@contextmanager
def running_injector(policy: str, directory: Path, *more: str) -> Iterator[Path]:
    """The example injector as a process of its own; gives the manifest with which it is registered."""
    command = [sys.executable, str(FOLDER / "injector.py"), "--policy", policy, "--directory", str(directory), *more]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("listening on https://127.0.0.1:")
            yield directory / "webhook.yaml"
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def injector() -> ModuleType:
    spec = importlib.util.spec_from_file_location("example_injector", FOLDER / "injector.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def serve(injector: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Policy], Json]]:
    """Serve a policy of the test's own in this process; gives its registration."""
    directory, running = tmp_path_factory.mktemp("webhook"), []

    def serve_policy(policy: Policy) -> Json:
        server = injector.server(policy, None, directory, 0)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        running.append(server)
        found: Json = json.loads(injector.configuration(server.server_port, directory / "ca.pem"))
        return found

    yield serve_policy
    for server in running:
        server.shutdown()
        server.server_close()


def ran(configuration: Json, *documents: Json, release: str = "1.29", **webhook: Any) -> History:
    """A run with a registration, of which fields of the webhook may be set."""
    changed = {**configuration, "webhooks": [{**configuration["webhooks"][0], **webhook}]}
    files = [io.StringIO(json.dumps(one)) for one in (changed, *documents)]
    return run(load([*files, POD]), release=release, until=20 * SECOND)


def only(history: History) -> Admitted:
    (record,) = history.of(Admitted)
    return record


# -- the process of the example ---------------------------------------------------------------------------------------


def test_a_real_webhook_strips_the_field_and_is_named_on_the_screen(tmp_path: Path) -> None:
    """sidecar-webhook-strip-full-update, from the outside: the process, the run, the Pod in Init, the culprit."""
    with running_injector("label_with_an_old_client", tmp_path) as registration:
        arguments = ["run", str(registration), str(POD), "--release", "1.29", "--until", "20s"]
        result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0
    words = " ".join(result.stdout.split())
    assert "removes proxy: no sidecar any more [C-31] spec.initContainers[0].restartPolicy" in words
    assert "web 0/1 Init:0/1 0 20s" in words
    assert "web/proxy: webhook inject.example.com sends the Pod back without restartPolicy of proxy" in words
    refused = CliRunner().invoke(main, arguments)
    assert refused.exit_code == 1
    assert "connect: connection refused" in refused.stderr


def test_it_asks_the_nodes_of_the_cluster_it_works_for(tmp_path: Path) -> None:
    """The policy that asks for releases, over HTTPS, with a kubectl proxy in front of a simulated cluster."""
    plain = run(load(io.StringIO("{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}")), release="1.29")

    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(raw_get(plain, self.path).encode())

        def log_message(self, format: str, *values: Any) -> None:
            pass

    proxy = HTTPServer(("127.0.0.1", 0), Proxy)
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    api = f"http://127.0.0.1:{proxy.server_port}"
    bare = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "bare"},
        "spec": {"containers": [{"name": "app", "image": "busybox:1.36"}]},
    }
    try:
        with running_injector("by_release", tmp_path, "--api", api) as registration:
            history = run(load([registration, io.StringIO(json.dumps(bare))]), release="1.29", until=20 * SECOND)
    finally:
        proxy.shutdown()
        proxy.server_close()
    assert "proxy" in history.pod("bare").containers
    (entry,) = history.pod("bare").versions[0].object["spec"]["initContainers"]
    assert entry["restartPolicy"] == "Always"


# -- what is sent, and what may come back -----------------------------------------------------------------------------


def test_the_review_on_the_wire_is_a_genuine_one(serve: Callable[[Policy], Json]) -> None:
    seen: list[Json] = []
    history = ran(serve(lambda review, _: seen.append(review)))
    (review,) = seen
    assert (review["apiVersion"], review["kind"]) == ("admission.k8s.io/v1", "AdmissionReview")
    request = review["request"]
    assert request["operation"] == "CREATE"
    assert request["namespace"] == "default"
    assert request["object"]["spec"]["initContainers"][0]["restartPolicy"] == "Always"
    assert request["object"]["spec"]["terminationGracePeriodSeconds"] == 30
    assert request["userInfo"]["username"] == "kubernetes-admin"
    assert (only(history).result, only(history).took) == ("unchanged", 10 * MILLISECOND)
    assert lost_sidecars(history) == ()


def test_the_same_history_each_time(serve: Callable[[Policy], Json]) -> None:
    configuration = serve(lambda *_: [{"op": "add", "path": "/metadata/labels", "value": {"x": "1"}}])
    assert ran(configuration).to_jsonl() == ran(configuration).to_jsonl()


def test_a_slow_one_runs_into_its_timeout(serve: Callable[[Policy], Json]) -> None:
    asked_enough = threading.Event()
    configuration = serve(lambda *_: asked_enough.wait(30))
    history = ran(configuration, timeoutSeconds=1)
    assert only(history).took == SECOND
    assert only(history).message.endswith("context deadline exceeded")
    history = ran(configuration, timeoutSeconds=1, failurePolicy="Ignore")
    asked_enough.set()
    assert only(history).result == "ignored"
    assert history.pod("web").created - history.started == SECOND


def failing(review: Json, cluster: Any) -> None:
    raise ValueError("no database")


def test_errors_of_the_server_are_told_in_the_api_servers_words(serve: Callable[[Policy], Json]) -> None:
    history = ran(serve(failing))
    assert 'an error on the server ("no database") has prevented the request from succeeding' in only(history).message


def test_a_certificate_of_another_authority_is_not_trusted(
    serve: Callable[[Policy], Json], injector: ModuleType, tmp_path: Path
) -> None:
    configuration = serve(lambda *_: None)
    other, _ = injector.certificate_in(tmp_path)
    url = configuration["webhooks"][0]["clientConfig"]["url"]
    bundle = base64.b64encode(other.read_bytes()).decode()
    message = only(ran(configuration, clientConfig={"url": url, "caBundle": bundle})).message
    assert message.endswith("tls: failed to verify certificate: x509: certificate signed by unknown authority")


@contextmanager
def raw_server(answer: bytes) -> Iterator[int]:
    """A server that speaks no TLS: it writes bytes, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def once() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.sendall(answer)

        threading.Thread(target=once, daemon=True).start()
        yield listening.getsockname()[1]


def test_what_is_no_https_is_told(serve: Callable[[Policy], Json]) -> None:
    configuration = serve(lambda *_: None)
    with raw_server(b"HTTP/1.0 200 OK\r\n\r\n") as port:
        history = ran(configuration, clientConfig={"url": f"https://127.0.0.1:{port}/"})
    assert only(history).message.endswith("tls: first record does not look like a TLS handshake")
    history = ran(configuration, clientConfig={"url": "https://no-such-host.invalid/"})
    assert "dial tcp: lookup no-such-host.invalid" in only(history).message


# -- configurations as manifests --------------------------------------------------------------------------------------


def test_a_configuration_counts_from_when_it_is_there(serve: Callable[[Policy], Json], tmp_path: Path) -> None:
    """Created in the beginning, deleted later: the Pods between are the ones it sees."""
    configuration = serve(lambda *_: None)
    (tmp_path / "webhook.yaml").write_text(json.dumps(configuration))
    actions = [
        {"at": "5s", "create": {"object": {**pod("second")}}},
        {"at": "6s", "delete": {"kind": "MutatingWebhookConfiguration", "name": "injector"}},
        {"at": "8s", "create": {"object": {**pod("third")}}},
    ]
    document = {"apiVersion": "kubesim/v1", "kind": "Scenario", "spec": {"actions": actions, "until": "12s"}}
    first = io.StringIO(json.dumps(pod("first")))
    history = run(load([first, tmp_path / "webhook.yaml", POD, io.StringIO(json.dumps(document))]))
    assert [record.name for record in history.of(Admitted)] == ["web", "second"]
    assert {life.name for life in history.pods} == {"first", "web", "second", "third"}
    assert not [note for note in history.of(NotModelled) if "Webhook" in note.subject]


def pod(name: str) -> Json:
    spec = {"containers": [{"name": "app", "image": "busybox:1.36"}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"}, "spec": spec}


def configured(**webhook: Any) -> Json:
    entry = {"name": "w.example.com", "clientConfig": {"url": "https://127.0.0.1:1/"}, **webhook}
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": "registered"},
        "webhooks": [entry],
    }


RULE = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"]}
REFUSED = [
    ({"matchConditions": [{"name": "a", "expression": "true"}]}, "is CEL, which is not evaluated here"),
    ({"rules": [{**RULE, "operations": ["CREATE", "DELETE"]}]}, '"DELETE" is not modelled'),
    ({"rules": [{**RULE, "resources": ["pods/eviction"]}]}, "webhooks of subresources are not modelled"),
    ({"admissionReviewVersions": ["v1beta1"]}, "must have v1"),
    ({"clientConfig": {"url": "https://x/", "caBundle": "@"}}, "is not PEM in base64"),
    (
        {"clientConfig": {"service": {"name": "s", "namespace": "n"}}},
        "behind a Service, which cannot be reached from here",
    ),
]


@pytest.mark.parametrize(("webhook", "said"), REFUSED)
def test_what_cannot_be_done_is_refused_with_its_place(webhook: Json, said: str, tmp_path: Path) -> None:
    path = tmp_path / "webhook.yaml"
    path.write_text(json.dumps(configured(**webhook), indent=1))
    with pytest.raises(ScenarioError, match=said) as refusal:
        load([path, POD])
    assert str(refusal.value).startswith(f"{path}:")


def test_one_behind_a_service_answers_as_the_scenario_declares() -> None:
    behind = configured(clientConfig={"service": {"name": "s", "namespace": "n"}}, rules=[RULE])
    declared = {"name": "w.example.com", "configuration": "registered", "denies": {"message": "closed"}}
    document = {"apiVersion": "kubesim/v1", "kind": "Scenario", "spec": {"cluster": {"webhooks": [declared]}}}
    history = run(load([io.StringIO(json.dumps(one)) for one in (document, behind, pod("web"))]))
    assert (only(history).result, only(history).configuration) == ("denied", "registered")
    assert not history.pods


def test_selectors_and_defaults_of_a_configuration_count(serve: Callable[[Policy], Json]) -> None:
    configuration = serve(lambda *_: None)
    history = ran(configuration, objectSelector={"matchLabels": {"inject": "yes"}})
    assert history.of(Admitted) == ()
    history = ran(configuration, namespaceSelector={"matchLabels": {"kubernetes.io/metadata.name": "default"}})
    assert only(history).result == "unchanged"
