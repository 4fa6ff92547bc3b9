"""Benchmarks of the field on videos that any model has made: their readers, scorers and reports."""
