"""Generators of other packages beside ours, on the same rows and by the same protocol.

``python -m benchmarks.peers TABLE.csv --target COLUMN`` makes an environment for each
peer, in which its package is installed, and compares all with
`evaluation.compare_generators`. What does not install is skipped with a word. Only
packages that are free to use are here: CTGAN, TVAE and SDV's Gaussian copula have been
under the Business Source License since 2023.
"""
