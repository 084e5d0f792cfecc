"""One side does not speak TLS where the other does."""
