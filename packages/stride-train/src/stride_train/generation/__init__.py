"""Generation: ensembles of a trained model or of a baseline, in the saved-ensemble format."""
