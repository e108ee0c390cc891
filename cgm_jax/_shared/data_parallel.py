"""A training step whose batch the devices of a mesh share, by JAX's own compiler.

Arrays are marked as split by rows, or as whole on every device; XLA derives the rest:
where sums go across devices, and how rows are filled up that do not divide equally.
Without a mesh nothing is marked.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from jax.sharding import Mesh, NamedSharding, PartitionSpec

__all__ = ["on_mesh", "put_whole", "split_by_rows", "whole"]

Tree = TypeVar("Tree")


def split_by_rows(mesh: Mesh | None, tree: Tree) -> Tree:
    """Every device has some of the rows of all arrays: of a batch, of its features."""
    if mesh is None:
        return tree
    rows = NamedSharding(mesh, PartitionSpec(mesh.axis_names))
    return jax.lax.with_sharding_constraint(tree, rows)


def whole(mesh: Mesh | None, tree: Tree) -> Tree:
    """Every device has all of the arrays: parameters, the columns of a kernel block."""
    if mesh is None:
        return tree
    return jax.lax.with_sharding_constraint(tree, NamedSharding(mesh, PartitionSpec()))


def put_whole(mesh: Mesh | None, tree: Any) -> Any:
    """As `whole`, outside of a program; random keys stay, which a call puts itself."""
    if mesh is None:
        return tree
    everywhere = NamedSharding(mesh, PartitionSpec())

    def put(leaf: Any) -> Any:
        is_key = jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
        return leaf if is_key else jax.device_put(leaf, everywhere)

    return jax.tree.map(put, tree)


def on_mesh(mesh: Mesh | None) -> AbstractContextManager[Any]:
    """A scope for the call of such a program, whatever mesh the user has set."""
    return nullcontext() if mesh is None else jax.set_mesh(mesh)
