"""Experiment files that come with the program, found by name through the entry point `stride.experiments`."""
