"""Tests of the training of Track-ControlNets."""
