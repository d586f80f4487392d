"""From gridded files to contract batches: discovery, regions, transforms, statistics, assembly."""
