"""Who this workload is: a key that never leaves memory, and a certificate of the mesh CA."""
