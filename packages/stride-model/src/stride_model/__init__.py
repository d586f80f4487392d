"""An EDM diffusion model for conditional super-resolution of gridded fields, free of any climate word.

Import from the modules: `stride_model.spec` (light), `stride_model.precondition`, `stride_model.loss`,
`stride_model.schedule`, `stride_model.samplers.heun`. Nothing is imported here, so that reading a specification does
not import torch.
"""
