"""Command lines. Torch and xarray are imported when a command runs, never to print help."""
