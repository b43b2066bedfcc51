"""Metrics of the control plane, in a registry of their own."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.process_collector import ProcessCollector


class Metrics:
    """One set for each process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.sidecars = Gauge(
            "heddle_control_plane_sidecars", "Sidecars whose stream is open at this replica", registry=self.registry
        )
        self.snapshots = Counter("heddle_control_plane_snapshots_total", "Snapshots sent", registry=self.registry)
        self.acks = Counter(
            "heddle_control_plane_acks_total", "Answers of sidecars to snapshots", ["accepted"], registry=self.registry
        )
        self.compile_seconds = Histogram(
            "heddle_control_plane_compile_seconds",
            "Time to compile one workload",
            buckets=(0.0005, 0.002, 0.01, 0.05, 0.2, 1, 5),
            registry=self.registry,
        )
        self.failures = Counter(
            "heddle_control_plane_failures_total",
            "Objects, workloads or conditions that could not be handled for a fault of ours",
            registry=self.registry,
        )
        self.certificates = Counter(
            "heddle_control_plane_certificates_total", "Certificates signed", registry=self.registry
        )
        self.refused = Counter(
            "heddle_control_plane_refused_total", "Requests refused", ["reason"], registry=self.registry
        )
        self.leading = Gauge("heddle_control_plane_leading", "1 while this replica leads", registry=self.registry)
        self.ca_expires = Gauge(
            "heddle_control_plane_ca_expires_timestamp_seconds",
            "When the intermediate certificate ends",
            registry=self.registry,
        )
