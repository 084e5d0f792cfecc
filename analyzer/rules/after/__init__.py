"""What goes wrong once a handshake is complete."""
