"""Datasets and loaders of contract batches: the only part of the package that needs torch."""

from stride_data.loaders.dataset import ContractDataset
from stride_data.loaders.loader import ContractLoader, make_loader

__all__ = ["ContractDataset", "ContractLoader", "make_loader"]
