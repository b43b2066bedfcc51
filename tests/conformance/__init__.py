"""The official conformance suite of the Gateway API for meshes, run against the cluster of `make demo`."""
