r"""One noisy mean embedding per party, and everything computed from it.

With features φ of norm at most 1 (`embeddings`), all that the framework reads of the
rows D_i is S_i = Σ φ(x) over x in D_i and their number n_i: the sums of the kernel are
inner products of the S_i. A party releases both once, with noise; values, Shapley
values, promises and rewards are then functions of what was released, and need no more
of its privacy (Dwork & Roth 2014, Prop. 2.1).

**What is promised.** A release is (ε, δ)-differentially private if for any two
neighbouring sets of rows D, D' and any set A of outcomes

.. math:: P(M(D) \in A) \le e^\varepsilon P(M(D') \in A) + \delta

(Dwork & Roth 2014, Def. 2.4). For a vector that moves by at most Δ between neighbours,
in Euclidean norm, noise :math:`N(0, (mΔ)^2 I)` gives it, where m is the least number
with

.. math:: \Phi(1/2m - \varepsilon m) - e^\varepsilon \Phi(-1/2m - \varepsilon m)
          \le \delta

which is exact: no smaller m does (Balle & Wang 2018, Theorem 8). ``dp-accounting``
solves it.

**Sensitivity.** Which rows are neighbours decides what is hidden:

- "replace one": one row is another one; n is the same, and public. S moves by
  φ(x) − φ(x'), whose norm is at most 2, so the mean embedding μ = S/n by at most 2/n.
- "add or remove one": one row more or fewer. Then n is itself a fact about the row, and
  neither 1/n nor n may be released as it is. The count is one more feature, of value 1:
  (S, n) moves by (φ(x), 1), whose norm is at most √2. Both are released in one
  mechanism with noise of standard deviation m√2; what is called μ̃ is S̃/ñ, and its σ is
  m√2/ñ, functions of the release. This hides whether somebody is in the data at all.
  (The replacement of a row moves (S, n) by at most 2: it is hidden, too, with the
  larger ε that noise of m√2 gives for it.)

(Balog, Tolstikhin & Schölkopf 2018 release mean embeddings, by the first relation; so
do Harder, Adamczewski & Park 2021, DP-MERF, with random Fourier features, a
sensitivity of 2/n, and a generator that is trained on the release.) Rows of features
longer than 1 are shortened to 1, each by itself: what is not bounded is not private.

**Taking off the noise.** With μ̃_i = μ_i + σ_i ξ_i, ξ_i ~ N(0, I_D), of several parties

    E[n_i n_j ⟨μ̃_i, μ̃_j⟩] = n_i n_j ⟨μ_i, μ_j⟩  for i ≠ j,
    E[n_i² (‖μ̃_i‖² − D σ_i²)] = n_i² ‖μ_i‖²,

so these are unbiased estimates of what the features make of B_ij (`gram`).

**Not covered**: that features, kernel, ranges and columns were chosen without the rows,
and that each point was made of its row alone (a scale, or categories, taken from all
rows move every point when one row is another); several rows of one person; several
releases of the same rows (their ε and their δ add up); time taken, and that a party
takes part, or cannot; the numbers of rows under "replace one"; who can guess the key,
of which JAX knows 64 bits in a generator that is not made for cryptography; and attacks
on the noise's floating-point numbers (Mironov 2012).

References: Dwork & Roth, The Algorithmic Foundations of Differential Privacy, 2014.
Balle & Wang, Improving the Gaussian Mechanism for Differential Privacy, ICML 2018.
Balog, Tolstikhin & Schölkopf, Differentially Private Database Release via Kernel Mean
Embeddings, ICML 2018. Harder, Adamczewski & Park, DP-MERF, AISTATS 2021. Mironov, On
Significance of the Least Significant Bits for Differential Privacy, CCS 2012.
"""

from .gaussian import Neighbours, noise_multiplier
from .planning import PrivacyPlan, plan_privacy
from .release import Release, release
from .release_sums import resampled_sums, sums_from_releases

__all__ = [
    "Neighbours",
    "PrivacyPlan",
    "Release",
    "noise_multiplier",
    "plan_privacy",
    "release",
    "resampled_sums",
    "sums_from_releases",
]
__dir__ = __all__.copy
