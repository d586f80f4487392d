"""An EDM diffusion model for conditional super-resolution of gridded fields, free of any climate word."""
