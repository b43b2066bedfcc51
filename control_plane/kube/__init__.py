"""The one door to the Kubernetes API: client, watches, lease, token reviews. Only here `kubernetes` is imported."""
