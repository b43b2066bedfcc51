"""Injector: a Pod comes in by the mutating webhook, a JSON patch that adds the sidecar goes out."""
