"""Which kinds an API server serves: group and version, the plural in messages, and what belongs to a namespace.

Source: the API reference of the built-in kinds; ``kubectl api-resources``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Kind:
    """One served kind. ``group`` is empty for the core group."""

    name: str
    group: str
    version: str
    plural: str
    namespaced: bool = True
    has_generation: bool = False
    """Whether changes of the spec count in ``metadata.generation``; Pods: see the policy ``generation_set_on_pods``."""

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def resource(self) -> str:
        """``pods`` or ``jobs.batch``, as error messages name it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def qualified(self) -> str:
        """``Pod`` or ``Job.batch``, as validation messages name it."""
        return f"{self.name}.{self.group}" if self.group else self.name

    @property
    def shown(self) -> str:
        """``pod`` or ``job.batch``, as kubectl names an object it has written."""
        return self.qualified.lower()


def type_name(kind: Kind) -> str:
    """The kind's type in the field tables: ``core.v1.Pod``."""
    return f"{(kind.group or 'core').split('.')[0]}.{kind.version}.{kind.name}"


_SERVED: Final = (
    Kind("Pod", "", "v1", "pods"),
    Kind("Node", "", "v1", "nodes", namespaced=False),
    Kind("Namespace", "", "v1", "namespaces", namespaced=False),
    Kind("ConfigMap", "", "v1", "configmaps"),
    Kind("Secret", "", "v1", "secrets"),
    Kind("Service", "", "v1", "services"),
    Kind("ServiceAccount", "", "v1", "serviceaccounts"),
    Kind("Endpoints", "", "v1", "endpoints"),
    Kind("PersistentVolume", "", "v1", "persistentvolumes", namespaced=False),
    Kind("PersistentVolumeClaim", "", "v1", "persistentvolumeclaims"),
    Kind("ResourceQuota", "", "v1", "resourcequotas"),
    Kind("LimitRange", "", "v1", "limitranges"),
    Kind("PodTemplate", "", "v1", "podtemplates", has_generation=True),
    Kind("ReplicationController", "", "v1", "replicationcontrollers", has_generation=True),
    Kind("Deployment", "apps", "v1", "deployments", has_generation=True),
    Kind("ReplicaSet", "apps", "v1", "replicasets", has_generation=True),
    Kind("StatefulSet", "apps", "v1", "statefulsets", has_generation=True),
    Kind("DaemonSet", "apps", "v1", "daemonsets", has_generation=True),
    Kind("ControllerRevision", "apps", "v1", "controllerrevisions"),
    Kind("Job", "batch", "v1", "jobs", has_generation=True),
    Kind("CronJob", "batch", "v1", "cronjobs", has_generation=True),
    Kind("HorizontalPodAutoscaler", "autoscaling", "v2", "horizontalpodautoscalers"),
    Kind("PodDisruptionBudget", "policy", "v1", "poddisruptionbudgets", has_generation=True),
    Kind("Ingress", "networking.k8s.io", "v1", "ingresses", has_generation=True),
    Kind("IngressClass", "networking.k8s.io", "v1", "ingressclasses", namespaced=False, has_generation=True),
    Kind("NetworkPolicy", "networking.k8s.io", "v1", "networkpolicies", has_generation=True),
    Kind("Role", "rbac.authorization.k8s.io", "v1", "roles"),
    Kind("RoleBinding", "rbac.authorization.k8s.io", "v1", "rolebindings"),
    Kind("ClusterRole", "rbac.authorization.k8s.io", "v1", "clusterroles", namespaced=False),
    Kind("ClusterRoleBinding", "rbac.authorization.k8s.io", "v1", "clusterrolebindings", namespaced=False),
    Kind("PriorityClass", "scheduling.k8s.io", "v1", "priorityclasses", namespaced=False),
    Kind("StorageClass", "storage.k8s.io", "v1", "storageclasses", namespaced=False),
    Kind("RuntimeClass", "node.k8s.io", "v1", "runtimeclasses", namespaced=False),
    Kind("Lease", "coordination.k8s.io", "v1", "leases"),
    Kind(
        "MutatingWebhookConfiguration",
        "admissionregistration.k8s.io",
        "v1",
        "mutatingwebhookconfigurations",
        namespaced=False,
        has_generation=True,
    ),
    Kind(
        "ValidatingWebhookConfiguration",
        "admissionregistration.k8s.io",
        "v1",
        "validatingwebhookconfigurations",
        namespaced=False,
        has_generation=True,
    ),
)

KINDS: Final[dict[str, Kind]] = {kind.name: kind for kind in _SERVED}
"""Every kind the store accepts, by name. Only Pods, Jobs and CronJobs are understood; others are kept as they are."""

SUBRESOURCES: Final[dict[str, tuple[str, ...]]] = {"Pod": ("ephemeralcontainers",)}
"""What can be patched of an object beside itself and its status."""
