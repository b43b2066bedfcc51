"""What is said about every object: pure functions from the index and the sidecars' answers to conditions."""
