"""mitmproxy addons, one policy each: read a flow, ask mesh_policy, write the answer on the flow."""
