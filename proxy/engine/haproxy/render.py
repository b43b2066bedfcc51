"""One WorkloadConfig to one HAProxy configuration. Pure: the same input gives the same text."""

from __future__ import annotations

from mesh_policy.snapshot import WorkloadConfig
from proxy.engine.haproxy import base, grpc
from proxy.engine.haproxy.authorization import authorization_maps
from proxy.engine.haproxy.backends import (
    backend_maps,
    backend_sections,
    backend_templates,
    circuit_map,
    pin_map,
    pod_maps,
)
from proxy.engine.haproxy.inbound import inbound_maps, inbound_sections
from proxy.engine.haproxy.outbound import outbound_maps, outbound_sections
from proxy.engine.haproxy.rendering import Place, Rendered


def render(config: WorkloadConfig, trust_bundle: str, place: Place) -> Rendered:
    """The configuration that makes HAProxy do what the snapshot says.

    Args:
        trust_bundle: PEM of the roots that peers must chain to.

    Raises:
        InvalidConfig: the snapshot asks for something that cannot be expressed exactly, or holds a string that cannot
            be written safely.
    """
    static = (
        base.global_section(place)
        + base.defaults_sections(place)
        + backend_templates(config.outbound, place)
        + outbound_sections(config, place)
        + inbound_sections(config, place)
    )
    sections = backend_sections(config.outbound, config.workload.zone, place)
    maps = {
        **outbound_maps(config),
        **backend_maps(config.outbound),
        **pod_maps(config.outbound.pods),
        "circuits": circuit_map(config.outbound),
        "pins": pin_map(sections),
        **grpc.status_map(),
        **inbound_maps(config.inbound),
        **authorization_maps(config.inbound.authorization, config.trust_domain),
    }
    return Rendered(static, maps, sections, trust_bundle)
