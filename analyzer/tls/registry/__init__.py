"""The names and numbers of the IANA TLS registries, and what they imply."""
