"""How fast the package is on this machine, beside the paper's algorithm in plain NumPy.

``python -m benchmarks`` from the project's root prints a table and writes a JSON file.
"""
