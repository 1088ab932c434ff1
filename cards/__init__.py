"""Adaptive Card shapes: pure functions to typed cards; knows nothing of the bot."""
