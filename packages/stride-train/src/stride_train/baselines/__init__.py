"""Baselines that any model must beat, generated and saved like the model's ensembles."""
