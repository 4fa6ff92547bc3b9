"""Tests of warped noise."""
