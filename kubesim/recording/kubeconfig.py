"""How to reach a cluster: a kubeconfig file, read as kubectl reads it.

Source: the documentation's "Organizing Cluster Access Using kubeconfig Files"; client-go ``tools/clientcmd/api/v1``.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from kubesim.errors import ScenarioError
from kubesim.objects.yaml import Source, read_source

_EXEC_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Access:
    """A cluster's address and what proves who asks. Certificates and keys are PEM text; empty means none."""

    server: str
    namespace: str = "default"
    authority: str = ""
    """Whom to trust; empty: whom the system trusts."""
    server_name: str = ""
    """The name in the server's certificate, where it is not that of the address."""
    insecure: bool = False
    certificate: str = ""
    key: str = ""
    token: str = ""
    basic: str = ""
    """``user:password``."""


def load_kubeconfig(path: str | Path, context: str | None = None) -> Access:
    """The access that a context of a kubeconfig describes (default: its current one).

    Raises ScenarioError with the file, and the field, for what is missing or cannot be used.
    """
    source = read_source(path)
    config = _single(source)
    name = context or config.get("current-context")
    if not name:
        raise ScenarioError("names no current-context; choose one with --context", path=source.path)
    chosen = _named(config, "contexts", "context", str(name), source)
    cluster = _named(config, "clusters", "cluster", str(chosen.get("cluster", "")), source)
    user = _named(config, "users", "user", str(chosen["user"]), source) if chosen.get("user") else {}
    if "proxy-url" in cluster:
        raise ScenarioError("a proxy-url cannot be used; reach the cluster directly", path=source.path)
    if "exec" in user:
        user = {**user, **_from_program(user["exec"], source)}
    if "auth-provider" in user:
        raise ScenarioError("an auth-provider cannot be used; give the user a token", path=source.path)
    folder = Path(source.path).parent
    basic = f"{user['username']}:{user.get('password', '')}" if "username" in user else ""
    return Access(
        server=str(cluster.get("server", "")).rstrip("/"),
        namespace=str(chosen.get("namespace") or "default"),
        authority=_text(cluster, "certificate-authority", folder, source),
        server_name=str(cluster.get("tls-server-name", "")),
        insecure=bool(cluster.get("insecure-skip-tls-verify", False)),
        certificate=_text(user, "client-certificate", folder, source),
        key=_text(user, "client-key", folder, source),
        token=_token(user, folder, source),
        basic=basic,
    )


def _single(source: Source) -> dict[str, Any]:
    values = [value for value in source.values() if value is not None]
    if len(values) != 1 or not isinstance(values[0], dict) or values[0].get("kind") not in (None, "Config"):
        raise ScenarioError("is no kubeconfig: it must hold one object of kind Config", path=source.path, line=1)
    config: dict[str, Any] = values[0]
    return config


def _named(config: dict[str, Any], several: str, one: str, name: str, source: Source) -> dict[str, Any]:
    """The entry of a name in one of the lists of a kubeconfig."""
    entries = {str(entry.get("name")): entry.get(one) or {} for entry in config.get(several) or ()}
    if name not in entries:
        known = ", ".join(sorted(entries)) or "none"
        raise ScenarioError(f'no {one} is named "{name}"; there is: {known}', path=source.path, field=several)
    found: dict[str, Any] = entries[name]
    return found


def _text(fields: dict[str, Any], name: str, folder: Path, source: Source) -> str:
    """A certificate or key: inline in base 64, or a file beside the kubeconfig."""
    if data := fields.get(f"{name}-data"):
        try:
            return base64.b64decode(str(data), validate=True).decode("ascii")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise ScenarioError("is no PEM text in base 64", path=source.path, field=f"{name}-data") from error
    return _file(folder / str(fields[name]), name, source) if fields.get(name) else ""


def _token(user: dict[str, Any], folder: Path, source: Source) -> str:
    if user.get("token"):
        return str(user["token"])
    return _file(folder / str(user["tokenFile"]), "tokenFile", source).strip() if user.get("tokenFile") else ""


def _file(path: Path, field: str, source: Source) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ScenarioError(f"cannot read {path}: {error.strerror}", path=source.path, field=field) from error


def _from_program(command: dict[str, Any], source: Source) -> dict[str, Any]:
    """The token or certificate that a credential program prints (``client.authentication.k8s.io``)."""
    words = [str(command.get("command", "")), *map(str, command.get("args") or ())]
    extra = {str(pair["name"]): str(pair.get("value", "")) for pair in command.get("env") or ()}
    try:
        done = subprocess.run(
            words, env={**os.environ, **extra}, capture_output=True, text=True, timeout=_EXEC_SECONDS, check=True
        )
        status = json.loads(done.stdout)["status"]
    except (OSError, subprocess.SubprocessError, ValueError, KeyError) as error:
        message = f"the credential program {words[0]} gave no credentials: {error}"
        raise ScenarioError(message, path=source.path, field="exec") from error
    texts = {"client-certificate": "clientCertificateData", "client-key": "clientKeyData"}
    found = {
        f"{name}-data": base64.b64encode(status[key].encode()).decode() for name, key in texts.items() if key in status
    }
    return found | ({"token": status["token"]} if "token" in status else {})
