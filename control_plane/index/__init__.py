"""What the cluster looks like, in memory: no I/O. `Index` keeps the objects, the others answer questions."""
