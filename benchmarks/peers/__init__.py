"""Networks of other libraries as denoisers that train and sample exactly as ours does."""
