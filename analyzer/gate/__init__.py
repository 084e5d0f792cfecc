"""Captures with expectations, and reports with earlier reports: what a CI job asks."""
