"""End-of-turn hints from sound."""
