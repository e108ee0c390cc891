"""The pages of ``make docs``: they build, and a wrong reference is an error."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest
from programs import ROOT

pytestmark = pytest.mark.slow

SMALL_PACKAGE = '''
"""A package, with `one`."""

__all__ = ["Two", "one"]


def one(points: "Float[ArrayLike, 'n d']", *, two: "Two | None" = None) -> int:
    r"""The number |N| of :math:`x_i`, as in `Two.half` and in {reference}.

    .. math:: \\frac{{1}}{{n}} \\sum_{{i=1}}^n {formula}

    Args:
        points: the points.
    """


class Two:
    """A class with `half`."""

    @property
    def half(self) -> float:
        """Half of `one`."""
'''


def build_pages(root: Path, pages: Path) -> subprocess.CompletedProcess[str]:
    words = ["-m", "notebooks.docs", "--root", root, "--out", pages]
    return subprocess.run(
        [sys.executable, *words], cwd=ROOT, capture_output=True, text=True
    )


def small_project(folder: Path, *, reference: str, formula: str = "x_i") -> Path:
    (folder / "notebooks").mkdir(parents=True)
    (folder / "cgm_jax").mkdir()
    for name in ("README", "EXTENDING", "CONTRIBUTING", "CHANGELOG"):
        (folder / f"{name}.md").write_text(f"# {name}\n", "utf-8")
    source = SMALL_PACKAGE.format(reference=reference, formula=formula)
    (folder / "cgm_jax" / "__init__.py").write_text(source.lstrip(), "utf-8")
    return folder


def text_of(page: Path) -> str:
    return re.sub(r"<[^>]*>", "", page.read_text("utf-8"))


def test_references_are_links_and_formulas_are_drawn(tmp_path: Path):
    project = small_project(tmp_path / "project", reference="`Two`")
    done = build_pages(project, tmp_path / "pages")
    assert done.returncode == 0, done.stderr
    assert str(tmp_path / "pages" / "index.html") in done.stdout
    page = (tmp_path / "pages/reference/cgm_jax.html").read_text("utf-8")
    assert page.count('href="#cgm_jax.Two"') >= 2  # in the text and in the signature
    assert 'href="#cgm_jax.Two.half"' in page
    assert page.count("<math") == 2
    assert "|N|" in page
    assert page.index('id="cgm_jax.Two"') < page.index('id="cgm_jax.one"')


def test_what_does_not_resolve_is_an_error(tmp_path: Path):
    reference = "`three`, `Two`, `half`,\n\n        too far right\n    "
    project = small_project(
        tmp_path / "project", reference=reference, formula=r"\nosuch"
    )
    done = build_pages(project, tmp_path / "pages")
    assert done.returncode != 0
    assert "index.html" not in done.stdout
    errors = done.stderr.splitlines()
    wanted = (
        "docstring of cgm_jax.one: `half` is none of the names",
        "docstring of cgm_jax.one: `three` is none of the names",
        "Block quote ends without a blank line",
        "Unknown LaTeX command",
    )
    assert len(errors) == len(wanted), errors
    for words in wanted:
        [error] = [line for line in errors if words in line]
        assert "cgm_jax" in error  # where it is


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs") / "pages"
    done = build_pages(ROOT, folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_a_page_has_what_its_folder_exports_in_that_order(pages: Path):
    for name in ("audit", "kernels", "generators", "plots", "valuation"):
        exported = importlib.import_module(f"cgm_jax.{name}").__all__
        page = (pages / "reference" / f"cgm_jax.{name}.html").read_text("utf-8")
        page, *_ = page.split("Also in these signatures")
        shown = re.findall(rf'<dt [^>]*id="cgm_jax\.{name}\.(\w+)"', page)
        assert shown == exported


def test_signatures_are_those_of_the_source(pages: Path):
    text = re.sub(r"\s+", " ", text_of(pages / "reference/cgm_jax.valuation.html"))
    assert "subset: Float[ArrayLike, 's d']," in text
    assert "AnyArray = " in text


def test_front_page_commands_notebooks_and_guides_are_there(pages: Path):
    front = (pages / "index.html").read_text("utf-8")
    assert "Several parties pool data" in front
    assert 'href="reference/cgm_jax.gram.html#cgm_jax.gram.gram_sums"' in front
    assert "cgm-jax reproduce" in text_of(pages / "reference/commands.html")
    assert "complete kernel" in text_of(pages / "CONTRIBUTING.html")
    assert (pages / "EXTENDING.html").exists()
    for notebook in (ROOT / "notebooks").glob("*.ipynb"):
        page = (pages / "notebooks" / f"{notebook.stem}.html").read_text("utf-8")
        assert '<img alt="../_images/' in page


def test_nothing_is_loaded_from_elsewhere(pages: Path):
    for page in pages.rglob("*.html"):
        loaded = re.findall(
            r'<(?:script|link|img)[^>]*(?:src|href)="((?:https?:)?//[^"]*)"',
            page.read_text("utf-8"),
        )
        assert not loaded, page
