"""A good handshake beside a bad one: what differs, and which difference explains the failure."""
