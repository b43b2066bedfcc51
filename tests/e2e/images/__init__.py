"""Images of the proofs with real programs: built once into the user's cache, imported into the nodes of `make demo`."""
