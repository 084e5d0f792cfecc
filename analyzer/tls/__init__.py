"""Ordered bytes to the story of a handshake."""
