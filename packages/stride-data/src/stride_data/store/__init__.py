"""The training store: what samples can need of an archive, prepared once, in tiles that read as fast as memory."""
