"""What a server profile answers to a ClientHello, from the configuration alone."""
