"""What the rewards are good for: a classifier tested on the others' real data.

Every party trains a support vector machine, with scikit-learn's defaults, on its own
data, or on its own and its reward, and is tested on the real data of all others.
"""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float, Shaped

from cgm_jax._shared.arrays import ArrayLike, as_parties, as_points
from cgm_jax._shared.checks import as_whole, check_classes, one_each
from cgm_jax._shared.precision import on_numbers
from cgm_jax._shared.workers import map_on_workers

__all__ = ["svm_accuracies", "svm_accuracy"]


def svm_accuracy(
    points: Float[ArrayLike, "m d"],
    labels: Shaped[ArrayLike, " m"],
    test_points: Float[ArrayLike, "k d"],
    test_labels: Shaped[ArrayLike, " k"],
    *,
    max_training_points: int | None = 20_000,
) -> float:
    """Share of test points whose class a support vector machine tells.

    Training takes time in the square of the number of points: about 2 s for 20,000
    points of two dimensions, half a minute for 70,000.

    Args:
        points: to train on, shape ``(m, d)``, m >= 1.
        labels: their classes, shape ``(m,)``.
        test_points: to test on, shape ``(k, d)``, k >= 1.
        test_labels: their classes, shape ``(k,)``.
        max_training_points: of more points, so many are used, evenly spaced in the
            order given; None uses all.

    Returns:
        In [0, 1]; after training on one class alone, the share of that class.

    Raises:
        ValueError: if labels and points differ in number, or shapes do not fit.
        TypeError: for labels of which some are text and others are not.
        ModuleNotFoundError: if scikit-learn is not installed.

    Example:
        >>> points = np.array([[0.0], [0.1], [1.0], [1.1]])
        >>> labels = np.array(["a", "a", "b", "b"])
        >>> svm_accuracy(points, labels, np.array([[0.2], [2.0]]), labels[:2])
        0.5

    Reference: Tay et al. 2022, Sec. 6; C.-C. Chang and C.-J. Lin, *LIBSVM*, 2011.
    """
    from sklearn.svm import SVC

    if max_training_points is not None:
        as_whole(max_training_points, "max_training_points", smallest=1)
    points, labels = _labelled(points, labels, "points")
    test_points, test_labels = _labelled(test_points, test_labels, "test_points")
    check_classes(labels, test_labels)
    if max_training_points is not None and len(points) > max_training_points:
        rows = np.linspace(0, len(points) - 1, max_training_points).round().astype(int)
        points, labels = points[rows], labels[rows]
    if (labels == labels[0]).all():  # no machine is needed, and none would train
        return float(np.mean(test_labels == labels[0]))
    return float(SVC().fit(points, labels).score(test_points, test_labels))


@on_numbers()
def svm_accuracies(
    parties: Sequence[Float[ArrayLike, "_ d"]],
    labels: Sequence[Shaped[ArrayLike, " _"]],
    rewards: Sequence[Float[ArrayLike, "_ d"]] | None = None,
    reward_labels: Sequence[Shaped[ArrayLike, " _"]] | None = None,
    *,
    max_training_points: int | None = 20_000,
) -> Float[np.ndarray, " n"]:
    """Accuracy of every party's machine on the real data of all other parties.

    Args:
        parties: the parties' points, arrays of shape ``(n_i, d)``, n >= 2 of them.
        labels: their classes, arrays of shape ``(n_i,)``.
        rewards: synthetic points that each party trains on as well; by default none.
        reward_labels: their classes.
        max_training_points: real and synthetic together, as in `svm_accuracy`.

    Returns:
        Accuracies in [0, 1], shape ``(n,)``, float64.

    Raises:
        ValueError: for fewer than two parties, or numbers that do not fit.
        TypeError: for labels of which some are text and others are not.

    Example:
        >>> parties = [np.array([[0.0], [1.0]]), np.array([[0.1], [0.2]])]
        >>> labels = [np.array([0, 1]), np.array([0, 0])]
        >>> svm_accuracies(parties, labels)
        array([1. , 0.5])
    """
    real = [np.asarray(x) for x in as_parties(parties)]
    classes = [np.atleast_1d(y) for y in one_each(labels, "labels")]
    if rewards is None or reward_labels is None:
        rewards = [x[:0] for x in real]
        reward_labels = [y[:0] for y in classes]
    lengths = len(real), len(classes), len(rewards), len(reward_labels)
    if len(real) < 2 or len(set(lengths)) > 1:
        raise ValueError(
            "Expected at least two parties and as many lists of labels, rewards and "
            f"labels of rewards, got {lengths}."
        )

    check_classes(*classes, *map(np.asarray, reward_labels))

    def accuracy(party: int, check: Callable[[], None]) -> float:
        check()
        others = [j for j in range(len(real)) if j != party]
        drawn = np.asarray(reward_labels[party]).astype(classes[party].dtype)
        return svm_accuracy(
            np.concatenate([real[party], np.asarray(rewards[party])]),
            np.concatenate([classes[party], drawn]),
            np.concatenate([real[j] for j in others]),
            np.concatenate([classes[j] for j in others]),
            max_training_points=max_training_points,
        )

    return np.array(map_on_workers(accuracy, range(len(real))))


def _labelled(
    points: Float[ArrayLike, "m d"], labels: Shaped[ArrayLike, " m"], name: str
) -> tuple[np.ndarray, np.ndarray]:
    points, labels = np.asarray(as_points(points, name)), np.asarray(labels)
    if len(points) == 0 or labels.shape != (len(points),):
        raise ValueError(
            f"Expected {name} and a label of each, got {len(points)} points and labels "
            f"of shape {labels.shape}."
        )
    return points, labels
