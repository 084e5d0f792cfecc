"""The gateway's log: read in all its forms, and joined with connections."""
