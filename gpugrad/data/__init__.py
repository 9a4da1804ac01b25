"""Data on its way to training: files read, classes split, features standardised, batches drawn."""

from __future__ import annotations

from gpugrad.data.batches import Batches
from gpugrad.data.dataset import Dataset
from gpugrad.data.digits import load_digits
from gpugrad.data.files import read_csv, read_file, read_npz
from gpugrad.data.matching import read_matching
from gpugrad.data.preparation import Standardizer, stratified_split

__all__ = [
    "Batches",
    "Dataset",
    "Standardizer",
    "load_digits",
    "read_csv",
    "read_file",
    "read_matching",
    "read_npz",
    "stratified_split",
]
