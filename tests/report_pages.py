"""Pages of reports, taken apart, and the sections that tests make them of."""

from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
from small_collaborations import several_draws, small_collaboration

from cgm_jax import Collaboration
from cgm_jax.files import write_text
from cgm_jax.report import CandidateOrigin, ReportSection, draw_pictures, report_page

VOID = {"meta", "img", "br", "hr", "link", "input"}
NAMES = ["Ada", "Bo", "Cy"]


class Page(HTMLParser):
    """The elements of a page with their attributes and text; an error if malformed."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.elements = [], []
        self.feed(text)
        self.close()
        assert not self.open, f"not closed: {[e.tag for e in self.open]}"

    def handle_starttag(self, tag, attributes):
        names = [name for name, _ in attributes]
        assert len(names) == len(set(names)), f"attribute twice in {tag}"
        element = SimpleNamespace(tag=tag, attributes=dict(attributes), text="")
        element.parents = [parent.tag for parent in self.open]
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag):
        assert self.open and self.open[-1].tag == tag, f"</{tag}> closes {self.open}"
        self.open.pop()

    def handle_data(self, data):
        for element in self.open:
            element.text += data

    def all(self, tag):
        return [element for element in self.elements if element.tag == tag]

    @property
    def text(self):
        return " ".join(self.all("body")[0].text.split())


def one():
    return small_collaboration(3, 2)


def section_of(result, names=NAMES, *, draws=None, **more):
    draws = [result.draw] if draws is None else draws
    return ReportSection("Three banks", result.promises, draws, names, **more)


def section_of_all_draws(**more):
    """The promises to three parties and draws at four β."""
    promises, draws = several_draws()
    return section_of(Collaboration(promises, draws[0]), draws=draws, **more)


def render(path, sections, **more):
    options = {"title": "Rewards", "settings": {"seed": 7}} | more
    drawn = [draw_pictures(section) for section in sections]
    write_text(path / "report.html", report_page(sections, drawn, **options))
    return (path / "report.html").read_text("utf-8")


def table_rows(page):
    """Words of every row of every table, without spaces."""
    rows = []
    for element in page.elements:
        if element.tag == "tr":
            rows.append([])
        elif element.tag in ("td", "th"):
            rows[-1].append("".join(element.text.split()))
    return rows


def origin_of(model=None, num_columns=2):
    real, generated = np.random.default_rng(0).uniform(size=(2, 30, num_columns))
    return CandidateOrigin(real, generated[:20], model=model)
