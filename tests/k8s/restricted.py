"""The Pod Security Standard "restricted", with "baseline" which it includes, as Kubernetes documents it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

VOLUMES = {
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected",
    "secret",
}  # fmt: skip
SYSCTLS = {
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
}  # fmt: skip
SELINUX_TYPES = {"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}
Spec = dict[str, Any]


def violations(pod: Spec) -> list[str]:
    """What the standard forbids in the `spec` of a pod."""
    return [*_of_pod(pod), *(problem for one in _containers(pod) for problem in _of_container(one, pod))]


def _containers(pod: Spec) -> Iterator[Spec]:
    for kind in ("containers", "initContainers", "ephemeralContainers"):
        yield from pod.get(kind, ())


def _of_pod(pod: Spec) -> Iterator[str]:
    for host in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(host):
            yield host
    for volume in pod.get("volumes", ()):
        if not set(volume) - {"name"} <= VOLUMES:
            yield f"volume {volume['name']}"
    context = pod.get("securityContext", {})
    if context.get("runAsUser") == 0:
        yield "runAsUser 0 of the pod"
    if not {item["name"] for item in context.get("sysctls", ())} <= SYSCTLS:
        yield "sysctls"
    yield from _selinux(context, "the pod")
    if context.get("seccompProfile", {}).get("type") not in (None, "RuntimeDefault", "Localhost"):
        yield "seccompProfile of the pod"


def _of_container(container: Spec, pod: Spec) -> Iterator[str]:
    name, own = container["name"], container.get("securityContext", {})
    of_pod = pod.get("securityContext", {})
    if own.get("privileged"):
        yield f"{name}: privileged"
    if own.get("allowPrivilegeEscalation") is not False:
        yield f"{name}: allowPrivilegeEscalation"
    capabilities = own.get("capabilities", {})
    if "ALL" not in capabilities.get("drop", ()) or not set(capabilities.get("add", ())) <= {
        "NET_BIND_SERVICE"
    }:
        yield f"{name}: capabilities"
    if own.get("runAsNonRoot", of_pod.get("runAsNonRoot")) is not True:
        yield f"{name}: runAsNonRoot"
    if own.get("runAsUser") == 0:
        yield f"{name}: runAsUser 0"
    profile = own.get("seccompProfile", {"type": "RuntimeDefault"} if "seccompProfile" in of_pod else {})
    if profile.get("type") not in ("RuntimeDefault", "Localhost"):
        yield f"{name}: seccompProfile"
    if own.get("procMount", "Default") != "Default":
        yield f"{name}: procMount"
    if any(port.get("hostPort") for port in container.get("ports", ())):
        yield f"{name}: hostPort"
    yield from _selinux(own, name)


def _selinux(context: Spec, where: str) -> Iterator[str]:
    options = context.get("seLinuxOptions", {})
    if options.get("type", "") not in SELINUX_TYPES or options.get("user") or options.get("role"):
        yield f"{where}: seLinuxOptions"
