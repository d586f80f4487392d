"""Ensembles of other producers, in their own names and units, to saved ensembles."""
