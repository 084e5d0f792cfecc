"""Bytes to columns: capture files become blocks of packets, then of TCP segments."""
