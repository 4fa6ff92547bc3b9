"""Model families, one folder each, behind the protocols of `protocols`."""
