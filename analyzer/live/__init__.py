"""Handshakes made now: connect to a server, or wait for a client, and tell the story of it."""
