"""What the rest of the capture shows about the ends of a connection, in bounded memory."""
