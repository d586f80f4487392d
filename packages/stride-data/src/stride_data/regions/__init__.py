"""Anchored boxes at work: aligning grids, resolving boxes, drawing training crops."""
