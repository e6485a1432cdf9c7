"""Suites: many runs in one command, which share what they have in common."""

__all__ = []
