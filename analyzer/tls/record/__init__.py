"""Records: their framing, and what the lengths of encrypted ones tell."""
