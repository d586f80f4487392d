"""Offline statistics: one streaming pass over the training split, kept in a JSON file with a content id."""
