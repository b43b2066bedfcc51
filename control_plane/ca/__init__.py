"""The mesh's CA: makes it when none is given, signs identities. Keys stay in memory."""
