"""Findings to people and machines."""
