"""From the index to what one sidecar runs on. Pure: what is read is only what is passed; one file per feature."""
