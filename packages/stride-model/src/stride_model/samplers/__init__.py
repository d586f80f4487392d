"""Samplers, one function each, all on the same Denoiser protocol."""
