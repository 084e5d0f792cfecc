"""What the capture hides."""
