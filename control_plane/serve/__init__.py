"""HTTP to sidecars (8443) and to the kubelet and Prometheus (8080)."""
