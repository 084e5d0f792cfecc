"""Certificates from their DER to facts: names, times, extensions, chains, staples."""
