"""The messages of a handshake from their bytes to fields, one module for each sort."""
