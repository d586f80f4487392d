"""Aspects of an evaluation: each module computes results, draws them and gives its rows of the summary."""
