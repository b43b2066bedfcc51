"""The control plane: watch Kubernetes, compile what every sidecar runs on, serve it, sign identities."""
