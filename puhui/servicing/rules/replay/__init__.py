"""Replay 重放: a loan recomputed from its ordered events."""
