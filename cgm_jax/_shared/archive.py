"""Trees of arrays as named arrays, which a file can hold, and back."""

from typing import Any

import jax
import numpy as np

__all__ = ["named_arrays", "with_arrays"]


def named_arrays(tree: Any) -> dict[str, np.ndarray]:
    """Leaves of a tree by their path, on the host."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {
        jax.tree_util.keystr(path, simple=True, separator="."): np.asarray(leaf)
        for path, leaf in leaves
    }


def with_arrays(template: Any, arrays: dict[str, np.ndarray]) -> Any:
    """The tree whose leaves `named_arrays` gave.

    Args:
        template: a tree of the same structure; its leaves give shapes and dtypes.
        arrays: one a leaf, by name.

    Returns:
        The tree.

    Raises:
        ValueError: if a name, shape or dtype does not fit.
    """
    leaves, structure = jax.tree_util.tree_flatten_with_path(template)
    names = [
        jax.tree_util.keystr(path, simple=True, separator=".") for path, _ in leaves
    ]
    if set(names) != set(arrays):
        odd = sorted(set(names) ^ set(arrays))
        raise ValueError(f"the names of its arrays differ: {', '.join(odd[:3])}")
    for name, (_, leaf) in zip(names, leaves, strict=True):
        found = arrays[name]
        if found.shape != leaf.shape or found.dtype != leaf.dtype:
            raise ValueError(
                f"{name} has shape {found.shape} and dtype {found.dtype} where "
                f"{leaf.shape} and {leaf.dtype} belong"
            )
    return jax.tree.unflatten(structure, [arrays[name] for name in names])
