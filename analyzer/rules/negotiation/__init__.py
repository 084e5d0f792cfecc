"""The two sides did not agree on version, suite, group, name or protocol."""
