"""The network F of Karras et al. 2022, eq. 7: a UNet on the noisy field, with maps of the conditioning added."""
