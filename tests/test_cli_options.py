"""Options as people write them: what they take, and what is refused in a sentence."""

import os
import pickle
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import typer
from small_runs import cgm_jax, one_line_error, write_parties

from cgm_jax.cli import screen
from cgm_jax.cli.app import new_app, run_app
from cgm_jax.cli.options import LAST_SEED, whole_number
from cgm_jax.kernels import SquaredExponential, save_kernel

SHARED = Path(__file__).resolve().parents[2] / "shared" / "inputs" / "mediator"


@pytest.fixture
def words(tmp_path: Path) -> list[object]:
    files = write_parties(tmp_path)[0]
    return ["run", *files, "--label-column", "sex", "--out", tmp_path / "out"]


@pytest.mark.parametrize(
    ("text", "number"),
    [("12", 12), ("1e4", 10_000), ("2.5E3", 2_500), ("1e0", 1), ("+7", 7)],
)
def test_a_whole_number_in_any_notation(text: str, number: int):
    parsed = whole_number("Of something.", least=1, most=10**6).parser
    assert parsed(text) == number and isinstance(parsed(text), int)


@pytest.mark.parametrize(
    "text", ["", "x", "1.5", "1e-1", "0", "-3", "nan", "inf", "1e7", "1e999999999"]
)
def test_what_is_no_whole_number_within_bounds(text: str):
    parsed = whole_number("Of something.", least=1, most=10**6).parser
    with pytest.raises(typer.BadParameter, match="from 1 to 1,000,000, got"):
        parsed(text)


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--beta", "high"], "Invalid value for '--beta': "),
        (["--num-candidates", "many"], "'--num-candidates': expected a whole number"),
        (["--num-candidates", "1e24"], "'--num-candidates': expected a whole number"),
        (["--num-steps", "1.5"], "'--num-steps': expected a whole number"),
        (["--resamples", "1e9"], "'--resamples': expected a whole number from 0"),
        (["--seed", LAST_SEED + 1], f"to {LAST_SEED:,}, got {LAST_SEED + 1}"),
        (["--seed", 2**64], f"to {LAST_SEED:,}, got {2**64}"),
        (["--scale", "log"], "'log' is not one of 'standard', 'none'."),
        (["--bandwidth", "1e300"], "--bandwidth: expected a positive number up to"),
        (["--bandwidth", "1e4"], "--bandwidth: expected a positive number up to"),
        (["--nothing"], "No such option: --nothing."),
    ],
    ids=str,
)
def test_a_refusal_is_a_sentence_that_names_the_option(words, capsys, more, sentence):
    assert cgm_jax(*words, *more) == 2
    message = one_line_error(capsys)
    assert sentence in message
    assert "--help" not in message and "Value error" not in message


@pytest.mark.parametrize(
    ("more", "option"),
    [
        (["--num-steps", 10], "--num-steps: "),
        (["--num-steps", 10, "--generator", "kde"], "--num-steps: "),
        (["--generator", "auto", "--generator-model", "m.npz"], "--generator auto: "),
        (["--bandwidth", 0.1, "--generator", "mmd-gan"], "--bandwidth: "),
        (["--bandwidth", 0.1, "--generator-model", "m.npz"], "--bandwidth: "),
        (["--num-steps", 10, "--generator", "product-mixture"], "--num-steps: "),
        (["--bandwidth", 0.1, "--generator", "product-mixture"], "--bandwidth: "),
        (["--num-steps", 10, "--generator-model", "m.npz"], "--num-steps: "),
        (["--generator", "kde", "--generator-model", "m.npz"], "--generator kde: "),
        (
            ["--generator", "mmd-gan", "--generator-model", "m.npz"],
            "--generator mmd-gan: ",
        ),
    ],
    ids=str,
)
def test_an_option_without_effect_is_refused(words, capsys, more, option):
    assert cgm_jax(*words, *more) == 2
    assert f"{option}has no effect with " in one_line_error(capsys)


@pytest.mark.parametrize("number", ["1000000000", "1e18"])
def test_too_many_candidates_are_refused_with_the_memory_needed(words, capsys, number):
    assert cgm_jax(*words, "--num-candidates", number) == 5
    message = one_line_error(capsys)
    assert message.startswith("error: --num-candidates: Expected candidates that")
    assert f"memory, got {int(float(number)):,}, which take at least" in message
    assert " GB" in message and "e+" not in message


@pytest.mark.medium
def test_a_limit_of_addresses_is_memory_that_there_is_not():
    """Some hundreds of the 4 GB are there already: libraries are mapped, not held."""
    code = (
        "from cgm_jax.planning.memory import host_capacity; import resource\n"
        "print(host_capacity())\n"
        "resource.setrlimit(resource.RLIMIT_AS, (4 << 30, resource.RLIM_INFINITY))\n"
        "print(host_capacity())"
    )
    assert resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    free, limited = map(float, done.stdout.split())
    assert 0 < limited <= min(free, 4 << 30)


def bare_pickle(path: Path) -> None:
    path.write_bytes(pickle.dumps({"weights": [1.0]}))


def pickled_arrays(path: Path) -> None:
    np.savez(path, facts=np.array([{}], object))


def other_arrays(path: Path) -> None:
    np.savez(path, np.arange(3))


def table(path: Path) -> None:
    path.write_text("age,income\n31,900\n")


def damaged(path: Path) -> None:
    save_kernel(path, SquaredExponential(1.0))
    path.write_bytes(path.read_bytes()[:-40])


def empty(path: Path) -> None:
    path.touch()


@pytest.mark.parametrize("option", ["--kernel", "--generator-model"])
@pytest.mark.parametrize(
    "write", [bare_pickle, pickled_arrays, other_arrays, table, damaged, empty]
)
def test_a_file_that_is_no_model(words, tmp_path, capsys, option, write):
    path = tmp_path / "m.npz"
    write(path)
    assert cgm_jax(*words, option, path) == 3
    check_no_model(one_line_error(capsys), path)


def check_no_model(message: str, path: Path) -> None:
    assert message.startswith(f"error: {path}: expected a saved ")
    assert "found a" in message
    assert not any(word in message for word in ("pickle", "unsafe", "trust", "facts"))


@pytest.mark.parametrize(
    ("option", "name"), [("--kernel", "kernel"), ("--generator-model", "model")]
)
def test_files_of_other_programs_that_are_no_models(words, capsys, option, name):
    path = SHARED / "garbage_models" / f"{name}.npz"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    assert cgm_jax(*words, option, path) == 3
    check_no_model(one_line_error(capsys), path)


@pytest.mark.parametrize("option", ["--kernel", "--generator-model"])
def test_a_model_that_cannot_be_opened(words, tmp_path, capsys, option):
    assert cgm_jax(*words, option, tmp_path / "none.npz") == 6
    message = one_line_error(capsys)
    assert "none.npz: could not be opened (" in message and "Errno" not in message
    assert message.endswith("; check the path\n")
    assert cgm_jax(*words, option, tmp_path) == 6
    assert "give a file, not a folder" in one_line_error(capsys)


def test_a_folder_in_place_of_the_models_file(words, tmp_path, capsys):
    files = words[1:4]
    model = tmp_path / "model.npz"
    assert cgm_jax("train-generator", *files, "--out", tmp_path) == 2
    assert "found a folder; choose another --out" in one_line_error(capsys)
    model.touch()
    assert cgm_jax("train-generator", *files, "--out", model) == 2
    assert "found a file; choose another --out, or replace" in one_line_error(capsys)


@pytest.mark.parametrize(
    "option", [("--num-steps", 5), ("--checkpoints", "folder"), ("--devices", 1)]
)
def test_options_of_the_network_beside_a_density(words, tmp_path, capsys, option):
    line = ["train-generator", *words[1:4], "--generator", "product-mixture", *option]
    assert cgm_jax(*line, "--out", tmp_path / "model.npz") == 2
    message = one_line_error(capsys)
    assert f"{option[0]}: has no effect with --generator product-mixture" in message


def test_too_few_rows_for_a_generator_are_no_ones_fault(tmp_path, capsys):
    files = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for path in files:
        path.write_text("x,y\n1,2\n3,4\n5,9\n2,6\n5,3\n")
    for words in (
        ["train-generator", *files, "--out", tmp_path / "m.npz"],
        ["run", *files, "--out", tmp_path / "out", "--generator", "mmd-gan"],
        [*("run", *files, "--out", tmp_path / "out"), "--generator", "product-mixture"],
    ):
        assert cgm_jax(*words) == 3
        message = one_line_error(capsys)
        assert message.startswith("error: all files together have 10 rows")
        assert "use --generator kde" in message


def test_the_version(capsys):
    assert cgm_jax("--version") == 0
    assert capsys.readouterr().out.startswith("cgm-jax ")


def run_one(command) -> int:
    """The code that a command line of this one command ends with."""
    app = new_app("one", "One command.")
    app.command()(command)
    with pytest.raises(SystemExit) as stopped:
        run_app(app, [])
    return stopped.value.code


def test_what_libraries_warn_of_is_a_line_without_a_path(capsys):
    import warnings

    def command() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("overflow\nencountered", RuntimeWarning, stacklevel=1)

    assert run_one(command) == 0
    assert capsys.readouterr().err == "warning: overflow encountered\n"


def test_memory_that_runs_out_in_jax(capsys):
    def command() -> None:
        raise ValueError("RESOURCE_EXHAUSTED: Out of memory allocating 964 bytes.")

    assert run_one(command) == 5
    assert "fewer --num-candidates" in one_line_error(capsys)


def test_a_refusal_of_the_system_without_a_path(capsys):
    def command() -> None:
        raise OSError(28, "No space left on device")

    assert run_one(command) == 6
    message = one_line_error(capsys)
    assert "(No space left on device); free some space, and run again with" in message


def test_a_table_breaks_no_name_and_no_number(monkeypatch, capsys):
    from rich.console import Console
    from rich.table import Table

    name = "Universitätsklinikum_der_Landeshauptstadt"
    monkeypatch.setattr(screen, "console", Console(width=40))
    table = Table("party", "own value", title="Values")
    table.add_row(name, "0.01263")
    table.add_row("日本病院", "0.02281")
    screen.print_whole(table)
    lines = capsys.readouterr().out.splitlines()
    assert [name in line and "0.01263" in line for line in lines].count(True) == 1
    assert sum("日本病院" in line for line in lines) == 1
