"""The client refused the server's certificate."""
