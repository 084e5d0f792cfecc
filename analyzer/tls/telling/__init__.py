"""What one connection left behind becomes its story."""
