"""What a party sends: its mean embedding with noise, and what was promised for it."""

import json
import math
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from cgm_jax._shared.archive import ArchiveError, named_arrays
from cgm_jax._shared.arrays import ArrayLike, as_points
from cgm_jax._shared.checks import as_key, as_path, check_kind
from cgm_jax._shared.digests import digest_of_arrays
from cgm_jax._shared.precision import at_once, on_numbers
from cgm_jax._shared.publishing import publish
from cgm_jax._shared.results import Result
from cgm_jax.embeddings import FeatureMap

from .gaussian import Neighbours, noise_of_sums, with_noise
from .shortened import sum_of_features

__all__ = ["Release", "feature_digest", "release"]

FORMAT = "cgm-jax release 1"


@dataclass(frozen=True, eq=False, repr=False)
class Release(Result):
    """One party's noisy mean embedding, (ε, δ)-private, to be sent to anybody."""

    embedding: Float[np.ndarray, " features"]
    """μ̃ = (1/n) Σ φ(x) + N(0, σ² I), shape ``(D,)``, float64."""

    size: float
    """n, exact under "replace one" and with noise under "add or remove one"."""

    epsilon: float
    """ε; infinity for no noise, and no privacy."""

    delta: float
    """δ."""

    sigma: float
    """σ, the noise's standard deviation in every coordinate of ``embedding``."""

    neighbours: Neighbours
    """Which sets of rows cannot be told apart."""

    digest: str
    """SHA-256 of the features and of what the parties agreed on (`verify`)."""

    @property
    def size_error(self) -> float:
        """The standard deviation of the noise on ``size``: σ n, or 0 if it is exact."""
        return 0.0 if self.neighbours == "replace one" else self.sigma * self.size

    def verify(self, features: FeatureMap, *, agreement: str = "") -> None:
        """Raise unless this was released with these features and the noise it states.

        It is a check against mistakes: nobody can prove that noise was added.

        Args:
            features: the features that the parties agreed on.
            agreement: the digest of what else they agreed on, as in `release`.

        Raises:
            ValueError: if the features or the agreement are others, or the numbers do
                not fit each other.

        Example:
            >>> import jax
            >>> from cgm_jax.embeddings import random_fourier_features
            >>> from cgm_jax.kernels import SquaredExponential
            >>> features_key, noise_key = jax.random.split(jax.random.key(0))
            >>> kernel = SquaredExponential(1.0)
            >>> features = random_fourier_features(features_key, kernel, 2, 50)
            >>> points = np.ones((9, 2))
            >>> sent = release(noise_key, features, points, epsilon=1, delta=0.1)
            >>> sent.verify(features)
        """
        check_kind(features, FeatureMap, "`random_fourier_features`")
        if self.digest != feature_digest(features, agreement=agreement):
            raise ValueError(
                "Expected a release of the features and the agreement given, got one "
                "of others; each party is to release with the same agreement."
            )
        if self.embedding.shape != (features.num_features,):
            raise ValueError(
                f"Expected an embedding of {features.num_features} features, got shape "
                f"{self.embedding.shape}."
            )
        numbers = np.append(self.embedding, self.sigma)
        if not (np.isfinite(numbers).all() and 1 <= self.size < math.inf):
            raise ValueError(
                "Expected finite numbers and a size of at least 1 in a release; it was "
                "damaged: let it be sent again."
            )
        expected = noise_of_sums(self.epsilon, self.delta, self.neighbours) / self.size
        if not self.sigma >= expected * (1 - 1e-6):
            raise ValueError(
                f"Expected noise of at least {expected:.4g} for ε = {self.epsilon:g}, "
                f"δ = {self.delta:g} and {self.neighbours!r}, got {self.sigma:.4g}."
            )

    def save(self, path: str | Path) -> None:
        """Write it to a JSON file, every number exact, complete or not at all.

        Args:
            path: the file; one that is there is replaced.

        Raises:
            OSError: if the system refuses.

        Example:
            >>> import tempfile
            >>> path = Path(tempfile.mkdtemp(), "party.release")
            >>> sent = Release(np.ones(2), 9.0, 1.0, 1e-5, 0.1, "replace one", "")
            >>> sent.save(path)
            >>> Release.load(path) == sent
            True
        """
        epsilon = "infinity" if math.isinf(self.epsilon) else self.epsilon
        facts = {"format": FORMAT, **self.to_dict(), "epsilon": epsilon}
        text = json.dumps(facts, indent=1, allow_nan=False)
        publish(path, lambda file: file.write(text.encode()))

    @classmethod
    def load(cls, path: str | Path) -> "Release":
        """Read what `save` wrote; a ValueError says what else the file is."""
        try:
            facts = json.loads(as_path(path).read_text("utf-8"))
            if not isinstance(facts, dict) or facts.pop("format", None) != FORMAT:
                raise ValueError
            return _from_facts(facts)
        except (
            *(ValueError, TypeError, KeyError),
            *(OverflowError, RecursionError),
        ) as error:
            raise ArchiveError(
                path,
                "expected a release of this version of cgm-jax, found another or a "
                "damaged file; let the party send it again.",
            ) from error


@on_numbers()
def release(
    key: Key[Array, ""],
    features: FeatureMap,
    points: Float[ArrayLike, "n d"],
    *,
    epsilon: int | float,
    delta: float,
    neighbours: Neighbours = "replace one",
    agreement: str = "",
) -> Release:
    r"""The mean embedding of a party's rows, with the noise that makes it private.

    .. math:: \tilde\mu = \frac1n \sum_{x} \varphi(x) + N(0, \sigma^2 I), \qquad
              \sigma = m(\varepsilon, \delta) \cdot 2 / n

    for "replace one"; the other relation is in the folder's docstring. Two releases of
    the same rows are not (ε, δ)-private together: their ε and δ add up.

    Args:
        key: a typed key that only the party knows: whoever knows it can take the noise
            off. Never a number such as 0, and never one that is used again.
        features: φ; it must not depend on the rows. Norms may be at most 1, and rows
            of features that are longer by rounding, or by mistake, are shortened to 1.
        points: the party's points, shape ``(n, d)``, each made of its own row and of
            public numbers, and of no other row.
        epsilon: ε > 0; infinity adds no noise and promises nothing.
        delta: δ in (0, 1), much less than 1/n.
        neighbours: which sets of rows cannot be told apart: those that differ by one
            row's content, or by one row more.
        agreement: the digest of what else the parties agreed on: columns and ranges.

    Returns:
        What may be sent.

    Raises:
        ValueError: if there is no point, an entry or feature is not finite, the norm of
            features is above 1, or ε, δ or ``neighbours`` is out of range.
        ModuleNotFoundError: without ``dp-accounting``.

    Example:
        >>> import jax, secrets
        >>> from cgm_jax.embeddings import random_fourier_features
        >>> from cgm_jax.kernels import SquaredExponential
        >>> kernel = SquaredExponential(1.0)
        >>> features = random_fourier_features(jax.random.key(0), kernel, 2, 50)
        >>> secret = jax.random.key(secrets.randbits(63))
        >>> points = np.ones((100, 2))
        >>> round(release(secret, features, points, epsilon=1, delta=1e-5).sigma, 3)
        0.075

    Reference:
        Balle & Wang 2018; Balog, Tolstikhin & Schölkopf 2018.
    """
    key = as_key(key)
    check_kind(features, FeatureMap, "`random_fourier_features`")
    if not float(features.norm) <= 1 + 1e-6:
        raise ValueError(
            f"Expected features of norm at most 1, got {float(features.norm):g}: "
            "divide the kernel by its k(x, x), which changes no reward."
        )
    noise = noise_of_sums(epsilon, delta, neighbours)
    # In float64 whatever they are: whole numbers would all be float64 because of one.
    rows = np.asarray(as_points(points, "points"), np.float64)
    if len(rows) == 0:
        raise ValueError("Expected points to release an embedding of, got none.")
    size, total = float(len(rows)), sum_of_features(features, rows)
    if not np.isfinite(total).all():
        raise ValueError(
            "Expected finite features of every point, got NaN or infinity: the "
            "features do not fit the points."
        )
    with at_once():
        noisy = with_noise(
            key, jnp.asarray(total), jnp.asarray(size), noise, neighbours=neighbours
        )
        total, size = np.asarray(noisy[0]), max(float(noisy[1]), 1.0)
    return Release(
        embedding=total / size,
        size=size,
        epsilon=float(epsilon),
        delta=float(delta),
        sigma=noise / size,
        neighbours=neighbours,
        digest=feature_digest(features, agreement=agreement),
    )


def feature_digest(features: FeatureMap, *, agreement: str = "") -> str:
    """SHA-256 of a feature map's kind and numbers, and of an agreement's digest.

    Numbers count in float32: the last digits of float64 can be others elsewhere.
    """
    kinds: list[str] = []
    for part in (features, features.kernel):
        static = {
            field.name: getattr(part, field.name)
            for field in fields(part)  # type: ignore[arg-type]
            if field.metadata.get("static", False)
        }
        plain = {n: v for n, v in static.items() if isinstance(v, int | float | str)}
        kinds.append(f"{type(part).__name__} {json.dumps(plain, sort_keys=True)}")
    text = "\n".join([*kinds, agreement])
    numbers = {
        name: np.asarray(array, np.float32)
        for name, array in named_arrays(features).items()
    }
    return digest_of_arrays(numbers, text=text)


def _from_facts(facts: dict[str, Any]) -> Release:
    """The release in a file, if its fields are what they are to be."""
    embedding = np.asarray(facts.pop("embedding"), np.float64)
    names = {"size", "epsilon", "delta", "sigma"}
    if facts.get("epsilon") == "infinity":
        facts["epsilon"] = math.inf
    numbers = {name: float(facts.pop(name)) for name in names}
    texts = {name: facts.pop(name) for name in ("neighbours", "digest")}
    is_text = all(isinstance(text, str) for text in texts.values())
    if facts or embedding.ndim != 1 or not is_text:
        raise ValueError("other fields")
    return Release(embedding, **numbers, **texts)
