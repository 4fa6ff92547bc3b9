"""CUDA C++ kernels and their launchers. Each kernel has a reference loop and a torch path."""
