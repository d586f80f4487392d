"""Synthetic problems whose conditional distribution is known exactly, and how well a trained model meets it."""
