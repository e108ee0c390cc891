"""The words of a command line, and the code that the process ends with.

Exit codes: 0 done, 1 a package that is missing, 2 a usage error, 3 a party's
file, 4 promises that cannot be or were not kept, 5 too little memory, 6 a file or
folder that cannot be read or written, 130 interrupted. Errors are one line on standard
error.
"""

import sys
import warnings
from collections.abc import Sequence
from typing import Annotated, Any, NoReturn

import typer

from cgm_jax._version import __version__
from cgm_jax.files import FileAccessError, InputError, UsageError
from cgm_jax.files.input_errors import access_error
from cgm_jax.rewards import RewardSchemeError

from . import checking, comparing, experiments, mediator, releasing
from .compilation_cache import cache_folder, keep_compiled_programs
from .options import fail, fail_with_problems

__all__ = ["app", "new_app", "run_app"]

# What brings a package that `run` alone does not need.
EXTRAS = {"umap": "images", "orbax": "gan", "dp_accounting": "private"}
INTERRUPTED = 130  # what typer makes of Ctrl-C
SEVERAL_NUMBERS = "--beta", "--num-points"  # options that take them behind each other


def new_app(name: str, description: str) -> typer.Typer:
    """A command line without commands, for `run_app`."""
    return typer.Typer(
        name=name,
        help=description,
        add_completion=False,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )


app = new_app(
    "cgm-jax", "Fair rewards of synthetic data for parties who pool their data."
)


def _print_version(wanted: bool | None) -> None:
    if wanted:
        folder = cache_folder()
        typer.echo(f"cgm-jax {__version__}")
        typer.echo(f"compiled programs: {'not kept' if folder is None else folder}")
        raise typer.Exit


@app.callback()
def before_every_command(
    *,
    version: Annotated[
        bool | None,
        typer.Option(
            "--version",
            is_eager=True,
            callback=_print_version,
            help="Print the version and where compiled programs are kept.",
        ),
    ] = False,
    no_compilation_cache: Annotated[
        bool,
        typer.Option(
            "--no-compilation-cache",
            help="Compile all programs anew, and keep none for the next command.",
        ),
    ] = False,
) -> None:
    """Choose where compiled programs are kept."""
    del version
    if not no_compilation_cache:
        keep_compiled_programs()


app.add_typer(experiments.commands)
app.add_typer(mediator.commands)
app.add_typer(checking.commands)
app.add_typer(comparing.commands)
app.add_typer(releasing.commands)


def run_app(commands: typer.Typer, arguments: Sequence[str] | None = None) -> NoReturn:
    """Run commands, turn errors into one line each, and exit with the code."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            code = commands(_repeated(words), standalone_mode=False, obj=words)
    except typer.TyperException as error:
        sentence = error.format_message().replace("Value error, ", "").rstrip(".")
        fail(f"{sentence}.", 2)
    except UsageError as error:
        fail(str(error), 2)
    except InputError as error:
        fail_with_problems([str(problem) for problem in error.problems])
    except RewardSchemeError as error:
        fail(" ".join([str(error), *getattr(error, "__notes__", [])]), 4)
    except MemoryError as error:
        fail(str(error), 5)
    except OSError as error:
        if not isinstance(error, FileAccessError) and error.errno is not None:
            error = access_error(error.filename or "a file", "opened", error)
        fail(str(error), 6)
    except ModuleNotFoundError as error:
        name = str(error.name).partition(".")[0]
        if name not in EXTRAS:
            raise
        fail(f'{name} is missing: install "cgm-jax[{EXTRAS[name]}]"', 1)
    except (ValueError, ArithmeticError, RuntimeError) as error:
        if "RESOURCE_EXHAUSTED" in str(error):  # JAX, of any class
            fail("memory ran out; ask for fewer --num-candidates or pool less", 5)
        if isinstance(error, RuntimeError):
            raise
        # Files that are read without fault, but hold data that cannot be valued.
        fail(str(error), 3)
    if code == INTERRUPTED:
        fail(
            "interrupted; files that were already published are complete: run again "
            "with --overwrite",
            code,
        )
    sys.exit(code or 0)


def _show_warning(message: Warning | str, *_: Any) -> None:
    """What a library warns of, without the place in its code."""
    sys.stderr.write(f"warning: {' '.join(str(message).split())}\n")


def _repeated(words: Sequence[str]) -> list[str]:
    """``--beta 1 2 4`` as ``--beta 1 --beta 2 --beta 4``, which typer understands."""
    result: list[str] = []
    follows: str | None = None  # the option whose numbers these are
    for word in words:
        if follows is not None and _is_number(word):
            if result[-1] != follows:
                result.append(follows)
        else:
            follows = word if word in SEVERAL_NUMBERS else None
        result.append(word)
    return result


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
