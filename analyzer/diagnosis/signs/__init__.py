"""What a story shows that readings of its end rest on: facts, and no judgement yet."""
