"""A signature, a Finished message or a record did not verify."""
