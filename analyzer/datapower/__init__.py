"""What only DataPower has: its exports, and what they say of connections."""
