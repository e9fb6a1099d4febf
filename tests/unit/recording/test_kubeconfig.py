"""Kubeconfigs as kubectl reads them, certificates of both sides, and what is wrong with a kubeconfig."""

from __future__ import annotations

import base64
import http.server
import shutil
import ssl
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from kubesim.cli import main
from kubesim.errors import ScenarioError
from kubesim.recording.client import Client, ClusterError
from kubesim.recording.kubeconfig import Access, load_kubeconfig


def kubeconfig(tmp_path: Path, user: dict[str, object], **cluster: object) -> Path:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "one", "user": "me", "namespace": "mine"}}],
        "clusters": [{"name": "one", "cluster": {"server": "https://127.0.0.1:6443/", **cluster}}],
        "users": [{"name": "me", "user": user}],
    }
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(config))
    return path


def test_a_token_and_a_namespace(tmp_path: Path) -> None:
    found = load_kubeconfig(kubeconfig(tmp_path, {"token": "abc"}))
    assert found == Access("https://127.0.0.1:6443", namespace="mine", token="abc")


def test_a_token_from_a_file_beside_the_kubeconfig(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("abc\n")
    assert load_kubeconfig(kubeconfig(tmp_path, {"tokenFile": "token"})).token == "abc"


def test_certificates_inline_and_from_files(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("KEY")
    user = {"client-certificate-data": base64.b64encode(b"CERT").decode(), "client-key": "key.pem"}
    found = load_kubeconfig(kubeconfig(tmp_path, user, **{"tls-server-name": "api"}))
    assert (found.certificate, found.key, found.server_name) == ("CERT", "KEY", "api")


def test_a_credential_program(tmp_path: Path) -> None:
    program = "import json, os; print(json.dumps({'status': {'token': os.environ['SAY']}}))"
    user = {"exec": {"command": sys.executable, "args": ["-c", program], "env": [{"name": "SAY", "value": "abc"}]}}
    assert load_kubeconfig(kubeconfig(tmp_path, user)).token == "abc"


@pytest.mark.parametrize(
    ("user", "cluster", "message"),
    [
        ({"exec": {"command": "/no/such/program"}}, {}, "credential program /no/such/program gave no credentials"),
        ({"client-key-data": "%"}, {}, "client-key-data: is no PEM text in base 64"),
        ({"tokenFile": "nowhere"}, {}, "tokenFile: cannot read"),
        ({"auth-provider": {}}, {}, "auth-provider cannot be used"),
        ({}, {"proxy-url": "http://proxy"}, "proxy-url cannot be used"),
    ],
)
def test_what_cannot_be_used_is_said(
    tmp_path: Path, user: dict[str, object], cluster: dict[str, object], message: str
) -> None:
    with pytest.raises(ScenarioError, match=message):
        load_kubeconfig(kubeconfig(tmp_path, user, **cluster))


def test_an_unknown_context_is_said_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match='no context is named "there"; there is: here'):
        load_kubeconfig(kubeconfig(tmp_path, {}), "there")


def test_the_command_line_says_what_is_wrong_in_one_line(tmp_path: Path) -> None:
    manifest = tmp_path / "pod.yaml"
    manifest.write_text("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: c, image: b}]}\n")
    config = kubeconfig(tmp_path, {"token": "abc"}, server="http://127.0.0.1:9")
    result = CliRunner().invoke(main, ["record", str(manifest), "--kubeconfig", str(config)])
    assert result.exit_code == 2
    assert result.stderr.startswith("error: http://127.0.0.1:9 cannot be reached: ")
    missing = CliRunner().invoke(main, ["record", str(manifest), "--kubeconfig", str(tmp_path / "no")])
    assert (missing.exit_code, "cannot read the file" in missing.stderr) == (2, True)


def signed(folder: Path, name: str, authority: str | None, alternative: str = "") -> tuple[str, str]:
    """A certificate and its key, made with openssl: signed by an authority, or by itself."""
    key, cert = folder / f"{name}.key", folder / f"{name}.crt"
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj", f"/CN={name}"]
    words += ["-keyout", str(key), "-out", str(cert)]
    if authority is not None:
        words += ["-CA", str(folder / f"{authority}.crt"), "-CAkey", str(folder / f"{authority}.key")]
    if alternative:
        words += ["-addext", f"subjectAltName={alternative}"]
    subprocess.run(words, check=True, capture_output=True)
    return cert.read_text(), key.read_text()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make certificates")
def test_certificates_of_server_and_client_are_checked(tmp_path: Path) -> None:
    authority, _ = signed(tmp_path, "authority", None)
    try:
        signed(tmp_path, "server", "authority", "DNS:api.example")
        certificate, key = signed(tmp_path, "client", "authority")
    except subprocess.CalledProcessError:
        pytest.skip("this openssl cannot sign so")

    class Version(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"gitVersion": "v1.29.0"}')

        def log_message(self, format: str, *args: object) -> None:
            """Nothing goes to stderr."""

    server = http.server.HTTPServer(("127.0.0.1", 0), Version)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")
    context.load_verify_locations(cadata=authority)
    context.verify_mode = ssl.CERT_REQUIRED
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"https://127.0.0.1:{server.server_port}"
    good = Access(address, authority=authority, server_name="api.example", certificate=certificate, key=key)
    try:
        assert Client(good).request("GET", "/version").body == {"gitVersion": "v1.29.0"}
        strangers = Access(address, server_name="api.example", certificate=certificate, key=key)
        other_name = Access(address, authority=authority, certificate=certificate, key=key)
        for wrong in (strangers, other_name):
            with pytest.raises(ClusterError, match="certificate verify failed"):
                Client(wrong).request("GET", "/version")
        with pytest.raises(ClusterError):
            Client(Access(address, authority=authority, server_name="api.example")).request("GET", "/version")
    finally:
        server.shutdown()
        server.server_close()
