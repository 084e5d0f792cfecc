"""Certificates beyond one handshake: stores, roots, paths to them, and what breaks on the way."""
