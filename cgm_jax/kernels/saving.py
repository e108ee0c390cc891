"""Kernels in files: an ``.npz`` archive of numbers and one JSON text.

Reading runs no code of the file's: a network of the user's own is handed in again.
"""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from cgm_jax._shared.archive import (
    Arrays,
    Mismatch,
    archive_errors,
    named_arrays,
    read_archive,
    with_arrays,
    with_prefix,
    write_archive,
)

from .base import Kernel, Product, Scaled, Sum, check_kernel, scalar_length_scale
from .deep import DeepKernel, Network, SplitNetwork
from .dot_products import Linear, Polynomial
from .energy import Energy
from .stationary import (
    Laplace,
    Matern,
    RationalQuadratic,
    ScaleMixture,
    SquaredExponential,
)

__all__ = [
    "KernelFile",
    "describe_kernel",
    "load_kernel",
    "read_kernel_file",
    "rebuild_kernel",
    "save_kernel",
]

ADVICE = (
    "save one with save_kernel, or hand a network of the same shape to load_kernel "
    "where it is none"
)
POWERS = "J on fitted rows", "J on held-out rows"  # notes of a fit
KINDS = {
    kind.__name__: kind
    for kind in (
        DeepKernel,
        Energy,
        Laplace,
        Linear,
        Matern,
        Polynomial,
        Product,
        RationalQuadratic,
        ScaleMixture,
        Scaled,
        SquaredExponential,
        Sum,
    )
}

Notes = Mapping[str, Any]


def save_kernel(
    path: str | Path, kernel: Kernel, *, notes: Notes | None = None
) -> None:
    """Write a kernel to a file, complete or not at all.

    Args:
        path: the file, by custom ``.npz``; one that is there is replaced.
        kernel: made of kernels of this package.
        notes: facts about it that JSON can hold, as how it was fitted.

    Raises:
        TypeError: if a kernel is not one of this package.
        OSError: if the system refuses.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "kernel.npz")
        >>> save_kernel(path, 2.0 * SquaredExponential(0.5), notes={"by": "hand"})
        >>> load_kernel(path)
        Scaled(kernel=SquaredExponential(length_scale=0.5), factor=2.0)
    """
    check_kernel(kernel)
    arrays: Arrays = {}
    described = describe_kernel(kernel, "kernel", arrays)
    facts = {"kernel": described, "notes": dict(notes or {})}
    write_archive(path, "kernel", facts, arrays)


def load_kernel(path: str | Path, *, network: Network | None = None) -> Kernel:
    """Read a kernel that `save_kernel` wrote.

    Args:
        path: the file.
        network: of the same shape as the saved one, whatever its numbers, for a deep
            kernel whose network is not a `FeatureNetwork`.

    Returns:
        The kernel.

    Raises:
        ValueError: if the file does not hold one, is damaged, or needs a network.
        OSError: if it cannot be read.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "kernel.npz")
        >>> save_kernel(path, DeepKernel(jnp.tanh, SquaredExponential(0.5)))
        >>> load_kernel(path, network=jnp.tanh).base
        SquaredExponential(length_scale=0.5)
    """
    return read_kernel_file(path, network=network).kernel


class KernelFile(NamedTuple):
    """A kernel from a file, and the notes beside it."""

    kernel: Kernel
    notes: Notes

    @property
    def has_length_scale(self) -> bool:
        """Whether the kernel has one length scale, not one per dimension or none."""
        return not np.isnan(scalar_length_scale(self.kernel))

    def powers(self) -> dict[str, float]:
        """The values of J that `FittedKernel.save` noted, by name."""
        noted = ((name, self.notes.get(name)) for name in POWERS)
        return {name: float(power) for name, power in noted if power is not None}


def read_kernel_file(path: str | Path, *, network: Network | None = None) -> KernelFile:
    """As `load_kernel`, with the notes."""
    facts, arrays = read_archive(path, "kernel", advice="save one with save_kernel")
    with archive_errors(path, "kernel", advice=ADVICE):
        kernel = rebuild_kernel(facts["kernel"], arrays, network)
        if not isinstance(kernel, Kernel):
            raise Mismatch("one that describes no kernel")
        return KernelFile(kernel, facts["notes"])


def describe_kernel(value: Any, name: str, arrays: Arrays) -> Any:
    """A value in JSON, its numbers put aside under a name."""
    if value is None:
        return None
    if isinstance(value, SplitNetwork):
        numbers = named_arrays(jax.tree.map(_number_or_none, value))
        arrays.update({f"{name}.{k}": a for k, a in numbers.items()})
        return {"kind": "network", "name": name, "shape": _shape(value)}
    if isinstance(value, Kernel):
        kind = type(value).__name__
        if KINDS.get(kind) is not type(value):
            raise TypeError(
                f"Expected kernels of this package ({', '.join(KINDS)}), got {kind}; "
                "save its parameters yourself."
            )
        parts = {
            field.name: describe_kernel(
                getattr(value, field.name), f"{name}.{field.name}", arrays
            )
            for field in fields(value)  # type: ignore[arg-type]
        }
        return {"kind": kind, "parts": parts}
    arrays[name] = np.asarray(value)
    return {"kind": "array", "name": name}


def rebuild_kernel(described: Any, arrays: Arrays, network: Network | None) -> Any:
    """The value that `describe_kernel` described, from the numbers put aside."""
    if described is None:
        return None
    kind = described["kind"]
    if kind == "array":
        array = arrays[described["name"]]
        return array.item() if array.ndim == 0 else array
    if kind == "network":
        if network is None:
            network = _network(described["shape"])
        template = SplitNetwork.of(network)
        return _with_numbers(template, with_prefix(arrays, described["name"] + "."))
    parts = described["parts"].items()
    return KINDS[kind](
        **{name: rebuild_kernel(part, arrays, network) for name, part in parts}
    )


def _shape(network: SplitNetwork) -> dict[str, Any] | None:
    """The arguments that make a network of this package, or None for another."""
    from .feature_networks import FeatureNetwork

    merged = network.network()
    if not isinstance(merged, FeatureNetwork):
        return None
    return {"sizes": merged.sizes, "activation": merged.activation}


def _network(shape: dict[str, Any] | None) -> Network:
    if shape is None:
        raise Mismatch("one whose network is no FeatureNetwork")
    from flax import nnx

    from .feature_networks import FeatureNetwork

    return FeatureNetwork(rngs=nnx.Rngs(0), **shape)


def _with_numbers(template: SplitNetwork, arrays: Arrays) -> SplitNetwork:
    """The network of a template, which gives the counts and keys, at other numbers."""
    numbers = jax.tree.map(_number_or_none, template)
    # Fitted to float64 points, parameters are float64.
    dtypes = {array.dtype for array in arrays.values()}
    if len(dtypes) == 1:
        numbers = jax.tree.map(lambda leaf: leaf.astype(*dtypes), numbers)
    leaves = iter(jax.tree.leaves(with_arrays(numbers, arrays)))
    return jax.tree.map(
        lambda leaf: leaf if _number_or_none(leaf) is None else next(leaves), template
    )


def _number_or_none(leaf: Any) -> np.ndarray | None:
    is_number = jnp.issubdtype(jnp.result_type(leaf), np.floating)
    return np.asarray(leaf) if is_number else None
