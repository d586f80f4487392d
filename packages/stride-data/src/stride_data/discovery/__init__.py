"""From file names and headers to sources: which fields exist, when, on which grid, in which units."""
