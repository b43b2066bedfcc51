"""The sidecar's control process: identity, configuration, the two data processes, health, metrics. No mitmproxy."""
