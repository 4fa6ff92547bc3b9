"""Folders of diffusers and transformers, read as data: no file of a folder is run.

A folder of weights is often a stranger's. Its configs can name code to import, repositories to
download from and sizes that fill the memory. The libraries' own `from_pretrained` follows such
keys, so it is never given a folder here. Configs are checked key by key (config.py), networks are
built by classes of our choice and filled with the folder's safetensors (networks.py), tokenizers
are read from a copy of their data files (tokenizers.py), and nothing reaches the network
(offline.py).
"""

from .config import check_class, diffusers_config, read_config, transformers_config
from .networks import diffusers_network, read_network, transformers_network
from .offline import offline
from .preprocessor import channel_values, side_value
from .tokenizers import read_tokenizer

__all__ = [
    "channel_values",
    "check_class",
    "diffusers_config",
    "diffusers_network",
    "offline",
    "read_config",
    "read_network",
    "read_tokenizer",
    "side_value",
    "transformers_config",
    "transformers_network",
]
