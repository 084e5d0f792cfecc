"""Stories to findings: the model of a rule, and the engine that runs all of them."""
