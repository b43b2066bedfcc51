"""The rules of the mesh: values and decisions, the same in the sidecar, the control plane, the CLI and tests of users.

Nothing here reads a clock, draws a random number, logs or does I/O: time and chance are parameters.
"""
