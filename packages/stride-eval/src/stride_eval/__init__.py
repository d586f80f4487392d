"""Saved ensembles to scores, plots and an HTML report; needs no torch."""
