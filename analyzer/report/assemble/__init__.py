"""Stories and findings become the values of the contract."""
