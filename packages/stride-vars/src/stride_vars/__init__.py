"""What a variable, a region and a saved ensemble are: names, units, colours, ranges, schemas."""
