"""The training store: what samples can need of an archive, prepared once, in tiles that are read at the speed of memory."""
