"""What breaks on a node, and comes back: its kubelet, its power, its network, a pod's sandbox.

Kubelets and runtimes do not know of this; it ends and begins them. What each keeps is said in ``sim/restart.py``
(kubelet), ``sim/power.py`` (machine) and ``sim/connection.py`` (network).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from kubesim.errors import IllegalMove
from kubesim.objects.quantity import parse_quantity
from kubesim.scenario.actions import (
    KubeletRestart,
    KubeletStart,
    KubeletStop,
    MemoryPressure,
    NetworkDown,
    NetworkUp,
    NodeAction,
    NodeDown,
    NodeReboot,
    NodeShutdown,
    NodeUp,
)
from kubesim.sim import node_shutdown, power, restart
from kubesim.units import Duration, format_duration

if TYPE_CHECKING:
    from kubesim.sim.kubelet import Kubelet
    from kubesim.sim.world import World


class NodeFaults:
    """The nodes of a world, each with power or without, heard by the control plane or not.

    Every method returns "" when it was done, else why it could not be.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self._without_power: set[str] = set()

    def perform(self, action: NodeAction) -> tuple[str, dict[str, Any], str]:
        """Let it happen now: what it is called in the history, to which node, and why it could not be."""
        node = action.node or ""
        arguments: dict[str, Any] = {"node": node}
        match action:
            case KubeletStop():
                return "kubelet-stop", arguments, self.stop_kubelet(node)
            case KubeletStart():
                return "kubelet-start", arguments, self.start_kubelet(node)
            case KubeletRestart():
                arguments["takes"] = format_duration(action.takes)
                return "kubelet-restart", arguments, self.restart_kubelet(node, action.takes)
            case NodeDown():
                return "node-down", arguments | _for(action.for_), self.cut_power(node, action.for_)
            case NodeReboot():
                arguments["takes"] = format_duration(action.takes)
                return "node-reboot", arguments, self.cut_power(node, action.takes)
            case NodeUp():
                return "node-up", arguments, self.restore_power(node)
            case NetworkDown():
                return "network-down", arguments | _for(action.for_), self.cut_network(node, action.for_)
            case NetworkUp():
                return "network-up", arguments, self.restore_network(node)
            case NodeShutdown():
                return "node-shutdown", arguments, self.shut_down(node)
            case MemoryPressure():
                arguments["available"] = action.available
                return "memory-pressure", arguments, self.take_memory(node, action)
            case _:
                raise IllegalMove(f"{type(action).__name__} is no fault of a node")

    # -- the kubelet --------------------------------------------------------------------------------------------------

    def stop_kubelet(self, node: str) -> str:
        """The kubelet process is gone; containers and the calls that the runtime has taken go on."""
        kubelet = self._kubelet(node)
        if kubelet.clock.ended:
            return f"no kubelet runs on {node}"
        restart.end(kubelet)
        self._hearing_changed(node)
        return ""

    def start_kubelet(self, node: str, *, rebooted: bool = False) -> str:
        """A new kubelet process has come up: it knows what the runtime and the API server tell it."""
        before = self._kubelet(node)
        if node in self._without_power:
            return f"{node} has no power"
        if not before.clock.ended:
            return f"a kubelet runs on {node} already"
        remains = restart.remains(before, self.world.clock.now)
        kubelet = self.world.kubelets[node] = self.world.kubelet(before.node.configured, remains)
        restart.begin(kubelet)
        kubelet.posts.start(rebooted=rebooted)
        self._hearing_changed(node)
        return ""

    def restart_kubelet(self, node: str, takes: int) -> str:
        """Stop it, and start another that has come up after ``takes`` ns."""
        problem = self.stop_kubelet(node)
        if not problem:
            self.world.clock.after(takes, self.start_kubelet, node)
        return problem

    # -- the machine --------------------------------------------------------------------------------------------------

    def cut_power(self, node: str, back_after: int | None = None) -> str:
        """Every process on the machine is gone at once. ``back_after``: ns until it is up again, kubelet and all."""
        if node in self._without_power:
            return f"{node} has no power"
        kubelet = self._kubelet(node)
        self._without_power.add(node)
        if not kubelet.clock.ended:
            restart.end(kubelet)
        power.power_off(kubelet.runtime)
        self._hearing_changed(node)
        if back_after is not None:
            self.world.clock.after(back_after, self.restore_power, node)
        return ""

    def restore_power(self, node: str) -> str:
        """The machine is up again: the runtime finds its records, and a kubelet starts."""
        if node not in self._without_power:
            return f"{node} has power"
        self._without_power.discard(node)
        before = self._kubelet(node)
        pods = restart.remains(before, self.world.clock.now).pods
        power.power_on(before.runtime, self.world.clock, pods)
        return self.start_kubelet(node, rebooted=True)

    def shut_down(self, node: str) -> str:
        """The machine is asked to go down: it waits for its kubelet, as far as that wants it to."""
        kubelet = self._kubelet(node)
        if node in self._without_power:
            return f"{node} has no power"
        if kubelet.clock.ended:
            return self.cut_power(node)
        node_shutdown.NodeShutdown(kubelet, partial(self._goes_down, node)).begin()
        return ""

    def _goes_down(self, node: str) -> None:
        """The kubelet has let go: the rest of the machine takes a moment."""
        self.world.clock.after(self.world.timing.latency("power-off"), self.cut_power, node)

    def take_memory(self, node: str, action: MemoryPressure) -> str:
        """Something takes the node's memory but for what the action leaves."""
        kubelet = self._kubelet(node)
        if kubelet.clock.ended:
            return f"no kubelet runs on {node}"
        kubelet.memory.begin(parse_quantity(action.available).value(), action.for_)
        return ""

    # -- the network --------------------------------------------------------------------------------------------------

    def cut_network(self, node: str, back_after: int | None = None) -> str:
        """Nothing gets through between the node and the API server. ``back_after``: ns until it does again."""
        connection = self.world.connections[node]
        if not connection.is_up:
            return f"{node} cannot reach the API server as it is"
        connection.cut()
        self._hearing_changed(node)
        if back_after is not None:
            self.world.clock.after(back_after, self.restore_network, node)
        return ""

    def restore_network(self, node: str) -> str:
        """Everything gets through again: the kubelet lists its pods and sends what it has to say."""
        connection, kubelet = self.world.connections[node], self._kubelet(node)
        if connection.is_up:
            return f"{node} can reach the API server"
        connection.join(None if kubelet.clock.ended else kubelet)
        if not kubelet.clock.ended:
            kubelet.statuses.resend()
            kubelet.posts.post()
        self._hearing_changed(node)
        return ""

    # -- a pod --------------------------------------------------------------------------------------------------------

    def lose_sandbox(self, namespace: str, pod: str) -> str:
        """A pod's pause process dies."""
        for kubelet in self.world.kubelets.values():
            for runtime_pod in kubelet.runtime.pods.values():
                named = (runtime_pod.namespace, runtime_pod.name) == (namespace, pod)
                if named and power.lose_sandbox(kubelet.runtime, runtime_pod):
                    return ""
        return f"no sandbox of pod {pod} runs"

    # -- what others notice -------------------------------------------------------------------------------------------

    def _kubelet(self, node: str) -> Kubelet:
        return self.world.kubelets[node]

    def _hearing_changed(self, node: str) -> None:
        """Tell the control plane's watch over heartbeats whether the node sends any."""
        heard = not self._kubelet(node).clock.ended and self.world.connections[node].is_up
        self.world.controllers.nodes.heartbeat(node, heard=heard)


def _for(length: Duration | None) -> dict[str, str]:
    return {} if length is None else {"for": format_duration(length)}
