"""What is said before TLS begins, or instead of it."""
