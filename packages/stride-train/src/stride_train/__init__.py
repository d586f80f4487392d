"""Experiments: assembling the model from the data, training, ensemble generation, baselines, writing."""
