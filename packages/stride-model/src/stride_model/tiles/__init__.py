"""Domains larger than the network's box: overlapping tiles, denoised one by one and fused at every call."""
