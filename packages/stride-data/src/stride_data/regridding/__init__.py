"""Bringing sources on other grids to one declared LR grid."""
