"""Several processes follow, tell and judge a share of the connections each."""
