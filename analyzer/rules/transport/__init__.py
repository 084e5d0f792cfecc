"""TCP and the path: what ends a handshake without a word of TLS about it."""
