"""Curation: videos to clips with dense tracks in WebDataset shards, for training."""
