"""Weights and training states in files: written whole or not at all, checked before they count."""

from minigrad.files.keeping import load as load
from minigrad.files.keeping import save as save
