"""Calling a webhook that is a Python callable, and what it may ask of the cluster."""

from __future__ import annotations

import importlib
import importlib.util
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from kubesim.errors import KubesimError, ScenarioError
from kubesim.scenario.webhooks import Python
from kubesim.sim.admission_https import Unanswered
from kubesim.store.raw import Components, Objects, raw_answer


class ClusterView:
    """What a webhook sees of the cluster: ``get_raw(path)`` answers as ``kubectl get --raw`` does."""

    def __init__(self, objects: Objects, components: Components) -> None:
        self._objects = objects
        self._components = components

    def get_raw(self, path: str) -> str:
        """The body of a GET: ``/version``, ``/api/v1/nodes``, ``/api/v1/nodes/NODE/proxy/metrics``, an object."""
        return raw_answer(path, self._objects, self._components)


def called_in_python(act: Python, review: dict[str, Any], view: ClusterView) -> Any:
    """What ``function(review, cluster, **options)`` returns: an AdmissionReview, a JSON patch, or None.

    It gets a copy of its own, as if it had come over the wire. What it raises is to the API server what a server's
    own error is: raises Unanswered with its text, and failurePolicy decides.
    """
    function = _function(act.name, act.directory)
    try:
        answer = function(json.loads(json.dumps(review)), view, **act.options)
    except Exception as problem:  # a user's function, which may raise anything
        said = str(problem) if isinstance(problem, KubesimError) else f"{type(problem).__name__}: {problem}"
        raise Unanswered(
            f"an error on the server ({json.dumps(said)}) has prevented the request from succeeding"
        ) from problem
    if answer is None or isinstance(answer, dict | list):
        return answer
    raise ScenarioError(
        f'webhook function "{act.name}" returned {type(answer).__name__}; '
        "return an AdmissionReview (dict), a JSON patch (list) or None"
    )


@cache
def _function(name: str, directory: str) -> Callable[..., Any]:
    module_name, _, function_name = name.rpartition(".")
    function: Callable[..., Any] | None = getattr(_module(module_name, directory), function_name, None)
    if not callable(function):
        raise ScenarioError(f'webhook function "{name}": {module_name} has no function {function_name}')
    return function


def _module(name: str, directory: str) -> ModuleType:
    """The module of that name beside the scenario, or one that is installed."""
    beside = Path(directory, *name.split(".")).with_suffix(".py")
    if not beside.is_file():
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as problem:
            raise ScenarioError(f"webhook module {name}: neither {beside} nor an installed module") from problem
    spec = importlib.util.spec_from_file_location(f"kubesim_webhook_{name}", beside)
    if spec is None or spec.loader is None:
        raise ScenarioError(f"webhook module {beside} cannot be loaded; is it a Python file?")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
