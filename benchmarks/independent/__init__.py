"""Independent libraries beside each metric of stride-eval, on one hard case."""
