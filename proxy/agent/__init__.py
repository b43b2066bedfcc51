"""The sidecar's control process: identity, configuration, the two data processes, health and metrics. No mitmproxy here."""
