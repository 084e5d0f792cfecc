"""Who refused what, and at which step: the readings that the families of rules share."""
