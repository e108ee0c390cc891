"""Fixed kernels of the MMD-GAN: all kinds, what tells them apart, what is refused."""

import re
from dataclasses import dataclass, replace

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from test_mmd_gan_fixed_kernel import DEEP, KEY, PLAIN, POINTS, SMALL, UNITS

from cgm_jax.generators import MMDGAN, MMDGANModel
from cgm_jax.generators.mmd_gan import mmd_gan as fitting
from cgm_jax.generators.mmd_gan.fixed_kernel import kernel_record
from cgm_jax.kernels import (
    DeepKernel,
    FeatureNetwork,
    Kernel,
    Laplace,
    SquaredExponential,
)

pytestmark = pytest.mark.usefixtures("quickly_judged")


def made(factor):
    def features(points):
        return factor * points

    return features


class WithDropout(nnx.Module):
    def __init__(self, rngs):
        self.linear = nnx.Linear(2, 3, rngs=rngs)
        self.dropout = nnx.Dropout(0.5, rngs=rngs)

    def __call__(self, points):
        return self.dropout(self.linear(points / jnp.asarray(UNITS)[None]))


def test_records_tell_kernels_apart():
    base = SquaredExponential(1.0)
    kernels = [
        base,
        SquaredExponential(1.5),
        SquaredExponential(np.ones(2)),
        Laplace(1.0),
        2.0 * base,
        base + base,
        base * base,
        DeepKernel(jnp.tanh, base),
        DeepKernel(jnp.sin, base),
        DeepKernel(made(1.0), base),
        DeepKernel(WithDropout(nnx.Rngs(0)), base),
        DeepKernel(WithDropout(nnx.Rngs(1)), base),
        DEEP,
        replace(DEEP, epsilon=0.2),
        replace(DEEP, points_kernel=None),
    ]
    records = [kernel_record(kernel) for kernel in kernels]
    assert len({record["sha256"] for record in records}) == len(kernels)
    assert {record["kind"] for record in records[7:]} == {"DeepKernel"}
    # The same function, made anew as in another process, lies elsewhere.
    assert kernel_record(DeepKernel(made(1.0), base)) == records[9]


@pytest.mark.parametrize(
    "kernel",
    [
        Laplace(UNITS),
        DeepKernel(WithDropout(nnx.Rngs(0)), Laplace(1.0)),
        0.5 * PLAIN + PLAIN * DEEP,
    ],
    ids=["laplace", "dropout", "made of kernels"],
)
@pytest.mark.medium
def test_kernels_of_all_kinds_can_be_trained_with(kernel, tmp_path):
    model = replace(SMALL, kernel=kernel, num_steps=3).fit(KEY, POINTS)
    assert np.isfinite(model.history).all()
    model.save(tmp_path / "model.npz")
    loaded = MMDGANModel.load(tmp_path / "model.npz")
    assert loaded.trained_with["kernel"] == kernel_record(kernel)


@dataclass(frozen=True)
class OneColumn(Kernel):
    """A user's own, of another shape than it should be."""

    def embed(self, points):
        return points[:, 0]

    def pairwise(self, x, y):
        return x * y

    def diagonal(self, points):
        return points[:, 0] ** 2

    def with_length_scale(self, length_scale):
        return self


@dataclass(frozen=True)
class Undefined(OneColumn):
    """Nothing but NaN."""

    def diagonal(self, points):
        return jnp.full(len(points), jnp.nan)

    def embed(self, points):
        return points

    def pairwise(self, x, y):
        return jnp.full((len(x), len(y)), jnp.nan)


@pytest.mark.parametrize(
    ("kernel", "message"),
    [
        (SquaredExponential(np.ones(3)), "of 2 columns.*SquaredExponential fail"),
        (
            DeepKernel(FeatureNetwork((3, 2), rngs=nnx.Rngs(0)), PLAIN),
            "of 2 columns.*DeepKernel failed with",
        ),
        (replace(DEEP, epsilon=1.5), r"epsilon in \(0, 1\)"),
        (Undefined(), r"Undefined gave \[\[nan"),
        (OneColumn(), "OneColumn .*choose or fit one on such points"),
    ],
)
def test_kernels_of_other_points_fail_before_the_training(kernel, message, monkeypatch):
    monkeypatch.setattr(fitting, "start_training", None)
    with pytest.raises(ValueError, match=re.compile(message, re.DOTALL)):
        replace(SMALL, kernel=kernel).fit(KEY, POINTS)


@pytest.mark.parametrize("kernel", [3, None, jnp.tanh, SquaredExponential])
def test_neither_a_name_nor_a_kernel(kernel):
    with pytest.raises(TypeError, match=r"one of rational-.*or a kernel of cgm_jax"):
        MMDGAN(kernel=kernel)


@pytest.mark.parametrize(
    "options", [{"critic_steps": 5}, {"gradient_penalty": 0.0}, {"feature_size": 4}]
)
def test_options_of_a_critic_have_no_meaning(options):
    (name,) = options
    with pytest.raises(ValueError, match=rf"no {name} beside a fixed .*leave it out"):
        MMDGAN(kernel=PLAIN, **options)
