"""What a gateway's log adds to a diagnosis."""
