"""The sidecar: supervisor, agent, HAProxy engine, worker, capture. One container per meshed pod."""
