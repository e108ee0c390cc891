"""Every random part of every command has a key of its own."""

import importlib
from collections import Counter
from collections.abc import Callable
from functools import partial

import jax
import numpy as np
import pytest
from small_experiments import image_data, line_data
from small_runs import cgm_jax, opened

from benchmarks.studies.__main__ import main as studies
from benchmarks.studies.kernel_comparison import compare_kernels
from cgm_jax.experiments import run_experiment
from cgm_jax.files import UsageError
from cgm_jax.mediation.run import Keys, Settings, mediate

# Functions that are handed a key, and how many children of it they use by `fold_in`.
ENTRY_POINTS: dict[str, Callable[..., int]] = {
    "cgm_jax.collaboration.promises.draw_rewards": lambda *a, **k: len(a[3]),
    "cgm_jax.audit.cheating.draw_rewards": lambda *a, **k: len(a[3]),
    "cgm_jax.audit.cheating.Position": lambda *a: 0,
    "cgm_jax.collaboration.uncertainty.bootstrap_sums": lambda *a, **k: 0,
    "cgm_jax.mediation.run.candidate_source": lambda *a, **k: 0,
    "cgm_jax.mediation.run.nearness_figures": lambda *a, **k: 0,
    "cgm_jax.experiments.prepare.share": lambda *a, **k: 0,
    "benchmarks.studies.kernel_comparison.fit_to_images": lambda *a, **k: 0,
    "benchmarks.studies.kernel_comparison.reassign_classes": lambda *a, **k: 0,
}
METHODS = [("cgm_jax.generators", "KernelDensity", name) for name in ("fit", "sample")]
# These use one key several times: all manipulations of one party meet the same chance,
# and more candidates begin with fewer.
REPEATED = {"cgm_jax.audit.cheating.draw_rewards", "KernelDensity.sample"}


class Recorder:
    """The keys that reach anything random, and how keys were derived."""

    def __init__(self, patch: pytest.MonkeyPatch):
        self.uses: Counter[tuple[str, bytes]] = Counter()
        self.derived: dict[str, set[bytes]] = {"split": set(), "fold_in": set()}
        self.fold_in = jax.random.fold_in
        for place, num_children in ENTRY_POINTS.items():
            module, name = place.rsplit(".", 1)
            self.watch(
                patch, importlib.import_module(module), name, place, num_children
            )
        for module, kind, name in METHODS:
            owner = getattr(importlib.import_module(module), kind)
            self.watch_method(patch, owner, name)
        for name in self.derived:
            self.watch_derivation(patch, name)

    def add(self, place: str, key: jax.Array) -> None:
        self.uses[place, np.asarray(jax.random.key_data(key)).tobytes()] += 1

    def watch(self, patch, module, name, place, num_children) -> None:
        function = getattr(module, name)

        def watched(key, *arguments, **more):
            for each in key if isinstance(key, list) else [key]:
                self.add(place, each)
                for i in range(num_children(*arguments, **more)):
                    self.add(place, self.fold_in(each, i))
            return function(key, *arguments, **more)

        patch.setattr(module, name, watched)

    def watch_method(self, patch, owner, name) -> None:
        method = getattr(owner, name)

        def watched(generator, key, *arguments, **more):
            self.add(f"{owner.__name__}.{name}", key)
            return method(generator, key, *arguments, **more)

        patch.setattr(owner, name, watched)

    def watch_derivation(self, patch, name) -> None:
        function = getattr(jax.random, name)

        def watched(key, *arguments, **more):
            if not isinstance(key, jax.core.Tracer):
                data = np.asarray(jax.random.key_data(key)).tobytes()
                self.derived[name].add(data)
            return function(key, *arguments, **more)

        patch.setattr(jax.random, name, watched)

    def check(self, *places: str) -> None:
        """No key is used twice, and all of these places used some."""
        seen = {place for place, _ in self.uses}
        assert set(places) <= seen
        twice = [use for use, count in self.uses.items() if count > 1]
        assert {place for place, _ in twice} <= REPEATED
        owners = Counter(key for _, key in self.uses)
        alike = {key for key, count in owners.items() if count > 1}
        assert not [place for place, key in self.uses if key in alike]
        # fold_in(key, i) can be split(key)[i].
        assert not self.derived["split"] & self.derived["fold_in"]


@pytest.fixture
def recorder(monkeypatch) -> Recorder:
    return Recorder(monkeypatch)


@pytest.mark.medium
def test_a_run(small_run, quick, recorder, tmp_path):
    settings = Settings(
        generator="kde",
        bandwidth=0.2,
        num_candidates=500,
        inverse_temperature=4.0,
        num_resamples=2,
    )
    tables = opened(small_run.files, label_column="sex")
    mediate(tables, tmp_path / "out", settings)
    # An MMD-GAN that is trained has the key of candidate_source.
    mine = [place for place in ENTRY_POINTS if place.startswith("cgm_jax")]
    mine.remove("cgm_jax.experiments.prepare.share")
    recorder.check(*mine, "KernelDensity.fit", "KernelDensity.sample")


@pytest.mark.medium
def test_a_generator_is_trained_with_the_key_that_a_run_has_for_it(
    small_run, monkeypatch, tmp_path
):
    keys = []

    def fitted_model(key, *arguments, **more):
        keys.append(key)
        raise UsageError("that is all")

    monkeypatch.setattr("cgm_jax.cli.mediator.fitted_model", fitted_model)
    words = ["train-generator", *small_run.files, "--label-column", "sex", "--seed", 5]
    assert cgm_jax(*words, "--out", tmp_path / "model.npz") == 2
    children = Keys.of(5)
    assert keys == [children.training]
    data = {
        np.asarray(jax.random.key_data(key)).tobytes()
        for key in vars(children).values()
    }
    assert len(data) == len(vars(children)) == 6


@pytest.fixture
def without_pages(monkeypatch) -> None:
    """Pages and pictures have no part in chance."""
    monkeypatch.setattr("cgm_jax.cli.publish.report_page", lambda *a, **k: "")
    monkeypatch.setattr("cgm_jax.cli.publish.draw_pictures", lambda section: {})


def both_splits(*arguments, **more):
    return [line_data("equal-disjoint"), line_data("unequal")]


@pytest.mark.medium
def test_the_demo(recorder, without_pages, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("cgm_jax.cli.experiments.credit_ratings_data", both_splits)
    assert cgm_jax("demo", "--out", tmp_path / "demo") == 0
    recorder.check(
        "cgm_jax.collaboration.promises.draw_rewards",
        "cgm_jax.audit.cheating.draw_rewards",
        "cgm_jax.audit.cheating.Position",
    )
    # Both splits: a draw each, with five parties.
    draws = [use for use in recorder.uses if "promises.draw_rewards" in use[0]]
    assert len(draws) == 2 * (1 + 5) * 4


@pytest.mark.medium
def test_an_experiment_that_is_reproduced(
    recorder, without_pages, monkeypatch, tmp_path, capsys
):
    def from_real_points(key, recipe, data, shared, splits, options, synthetic, tell):
        recorder.add("candidates", key)
        return lambda num: both_splits()

    prepare = "cgm_jax.experiments.prepare."
    monkeypatch.setattr(prepare + "umap_class", lambda: None)
    monkeypatch.setattr(prepare + "_from_real_points", from_real_points)
    monkeypatch.setattr("cgm_jax.cli.publish._correlations", lambda experiments: Png())
    words = ["reproduce", "digits", "--beta", 0.25, 0.5, 0.75, "--party-size", 20]
    assert cgm_jax(*words, "--out", tmp_path / "out") == 0
    recorder.check(
        "candidates",
        "cgm_jax.experiments.prepare.share",
        "cgm_jax.collaboration.promises.draw_rewards",
    )
    draws = [use for use in recorder.uses if "promises.draw_rewards" in use[0]]
    assert len(draws) == 2 * (1 + 5) * 3


class Png:
    png = b""


@pytest.mark.medium
def test_temperatures_below_one_have_keys_of_their_own(recorder):
    betas = (0.25, 0.5, 0.75)
    run_experiment(
        jax.random.key(0), line_data(), inverse_temperatures=betas, evaluate=False
    )
    recorder.check("cgm_jax.collaboration.promises.draw_rewards")
    assert len(recorder.uses) == (1 + 5) * 3


@pytest.mark.medium
def test_two_kernels_that_are_compared(recorder, monkeypatch, tmp_path, capsys):
    def prepare(key, *arguments, **more):
        recorder.add("preparation", key)
        return [image_data()]

    command = "benchmarks.studies.__main__."
    monkeypatch.setattr(command + "prepare_experiments", prepare)
    monkeypatch.setattr(command + "publish_comparison", lambda folder, *a, **k: folder)
    monkeypatch.setattr(command + "print_comparison", lambda comparison: None)
    # Metrics have no part in chance either.
    monkeypatch.setattr(
        "cgm_jax.experiments.run.evaluate_rewards", lambda *a, **k: None
    )
    quickly = partial(compare_kernels, num_steps=3)
    monkeypatch.setattr(command + "compare_kernels", quickly)
    words = ["kernels", "digits", "--assignments", "2", "--beta", "1", "8"]
    with pytest.raises(SystemExit) as stopped:
        studies([*words, "--out", str(tmp_path / "out")])
    assert not stopped.value.code
    recorder.check(
        "preparation",
        "cgm_jax.collaboration.promises.draw_rewards",
        "benchmarks.studies.kernel_comparison.fit_to_images",
        "benchmarks.studies.kernel_comparison.reassign_classes",
    )
    draws = [use for use in recorder.uses if "promises.draw_rewards" in use[0]]
    assert len(draws) == 2 * (1 + 3) * 2  # by two kernels at two temperatures
