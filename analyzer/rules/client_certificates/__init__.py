"""The server refused the client's certificate, or its absence."""
