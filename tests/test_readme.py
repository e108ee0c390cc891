"""The README's program runs as it is printed, and its commands exist."""

import importlib
import re
from pathlib import Path

import pytest
import typer
from programs import ROOT, run_program

README = (ROOT / "README.md").read_text("utf-8")


@pytest.mark.slow
def test_the_python_program_prints_what_the_readme_shows(tmp_path: Path):
    program, shown = program_and_output()
    assert_alike(run_program(program, tmp_path), shown)


@pytest.mark.smoke
@pytest.mark.medium
def test_so_does_the_program_with_fewer_rows(capsys: pytest.CaptureFixture):
    # Of 30 rows a party, the first 10,000 candidates are enough: 40,000 of 200.
    program, shown = program_and_output()
    assert program.count("size=(200, 2)") == 1
    exec(program.replace("size=(200, 2)", "size=(30, 2)"), {})
    assert_alike(capsys.readouterr().out, shown)


def program_and_output() -> tuple[str, str]:
    blocks = r"```python\n(.*?)```\n+```text\n(.*?)```"
    [(program, shown)] = re.findall(blocks, README, re.DOTALL)
    return program, shown


def assert_alike(printed: str, shown: str) -> None:
    """Another JAX may draw other candidates: words and shapes must agree."""
    assert printed.count("reached") == 3
    assert without_numbers(printed) == without_numbers(shown)


def without_numbers(text: str) -> list[str]:
    return re.sub(r"[\d.\s]+", " ", text).split()


def test_it_is_short():
    assert len(README.split()) <= 1_000


def test_names_in_the_paper_table_exist():
    table = README.split("## The paper, in code")[1].split("\n## ")[0]
    names = set(re.findall(r"`(\w+)\.(\w+)`", table))
    assert len(names) > 10
    for folder, attribute in names:
        module = importlib.import_module(f"cgm_jax.{folder}")
        assert hasattr(module, attribute), f"{folder}.{attribute}"


def test_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in ("demo", "test", "docs", "benchmark"):
        assert f"make {target}" in README
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_commands_and_their_options_exist():
    from cgm_jax.cli.app import app

    group = typer.main.get_command(app)
    commands = group.commands
    named = re.findall(r"(?:^|`|&& )cgm-jax ([^\n`&#]+)", README, re.MULTILINE)
    assert len(named) >= 8
    for line in named:
        name, *words = line.split()
        command = group if name.startswith("--") else commands[name]
        options = options_of(command)
        assert {word for word in words if word.startswith("--")} <= options, line
    exist = set().union(*map(options_of, (group, *commands.values())))
    assert set(re.findall(r"(?<=[ `])--[a-z-]+", README)) <= exist


def options_of(command) -> set[str]:
    return {
        text
        for option in command.params
        for text in (*option.opts, *option.secondary_opts)
    }


def test_files_that_it_links_to_exist():
    for target in re.findall(r"(?<!!)\[[^]]*\]\((?!https?:)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
