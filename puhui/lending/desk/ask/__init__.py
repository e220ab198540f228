"""From an application to its decision: facts, guards and score, and a person who looks again."""
