"""From sources to samples: channels in their order, fields in physical units, scaled samples."""
