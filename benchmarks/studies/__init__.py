"""Studies of learned kernels: ``python -m benchmarks.studies power|kernels``."""
