"""The talk before TLS did not lead to TLS."""
