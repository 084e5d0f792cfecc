"""Protected records are opened with the secrets that users hand over."""
