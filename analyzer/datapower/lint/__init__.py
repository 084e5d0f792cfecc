"""What an export has against itself, without any failure at hand."""
