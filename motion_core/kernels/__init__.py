"""CUDA C++ kernels and what launches them; each has a plain twin and a vectorised torch path."""
