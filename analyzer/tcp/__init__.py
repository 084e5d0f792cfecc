"""Segments to ordered bytes: connections, their evidence, and both directions put in order."""
