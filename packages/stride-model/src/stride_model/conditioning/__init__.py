"""Everything that is computed once per case: the LR path, the HR statics, and the maps that they become."""
