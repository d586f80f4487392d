"""Figures of the report, one concept a file; drawn without a window and without global state."""
