"""Hostile captures: bytes that nobody meant to be read, for as long as one has patience."""
