"""Which cause explains a refusal best, and how sure that is."""
