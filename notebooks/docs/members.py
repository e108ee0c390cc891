"""The page of a folder: its docstring, and what it exports in the order of ``__all__``.

The directive ``exports`` writes Sphinx's own ``py:function``, ``py:class`` and so on,
with signatures as they are in the source.
"""

import ast
import re
from functools import cache
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.ext.napoleon import Config, GoogleDocstring
from sphinx.util.docutils import SphinxDirective
from sphinx.util.parsing import nested_parse_to_nodes

from .source import Module, Name, all_packages, read_module

__all__ = ["setup"]

SECTIONS = Config(napoleon_custom_sections=["Reference"])


class Sections(GoogleDocstring):
    """Docstrings whose "Returns:" is a text, also where there is a colon in it."""

    def _consume_returns_section(self, **_: Any) -> list[tuple[str, str, list[str]]]:
        return [("", "", self._dedent(self._consume_to_next_section()))]


class Exports(SphinxDirective):
    """``.. exports:: cgm_jax.gram``."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        root = Path(self.config.package_root)
        package = read_module(root, self.arguments[0])
        assert package is not None
        page = Page(package)
        for public in package.public:
            found = package.find(public)
            if isinstance(found, Module):
                page.add(f"* :py:mod:`{found.name}`")
            elif isinstance(found, Name):
                home = homes(root, package.name.split(".")[0])[found.identity]
                if home == package.name:
                    page.document(found, public)
                else:
                    page.add(f"* :py:obj:`{home}.{public}`")
            else:
                raise self.error(f"{package.name}.{public} is nowhere in the package")
        page.document_types()
        return nested_parse_to_nodes(self.state, page.lines)


class Page:
    """Lines of reStructuredText, each of which knows the source that it is from."""

    def __init__(self, package: Module):
        self.package = package
        self.lines = StringList()
        self.shown: list[Name] = []
        self.add(f".. py:module:: {package.name}", "")
        self.add(*package.docstring.splitlines(), "", origin=(package, 1))

    def add(
        self, *lines: str, indent: int = 0, origin: tuple[Module, int] | None = None
    ) -> None:
        module, line = origin or (self.package, 1)
        for text in lines:
            indented = " " * indent + text if text else ""
            self.lines.append(indented, str(module.path), line - 1)

    def document(
        self, found: Name, name: str, indent: int = 0, text: str | None = None
    ) -> None:
        """A class, a function, a constant or a member of a class."""
        self.shown.append(found)
        origin = found.module, found.node.lineno
        kind, signature, options = described(found)
        self.add("", f".. py:{kind}:: {name}{signature}", indent=indent, origin=origin)
        indent += 3
        given = [f":{key}: {value}".rstrip() for key, value in options]
        self.add(*given, "", indent=indent, origin=origin)
        if isinstance(found.node, ast.ClassDef):
            self.document_class(found, indent)
        else:
            written = sections(found.docstring if text is None else text)
            self.add(*written, "", indent=indent, origin=origin)

    def document_class(self, found: Name, indent: int) -> None:
        """What a class says, and its members, also those of classes without a page."""
        public = exported(self.package)
        bases = [base for base in found.lineage[1:] if base.identity in public]
        links = [f":py:obj:`~{public[base.identity]}`" for base in bases]
        if links:
            self.add(f"Base: {', '.join(links)}", "", indent=indent)
        text, of_attributes = without_attributes(found.docstring)
        origin = found.module, found.node.lineno
        self.add(*sections(text), "", indent=indent, origin=origin)
        done = set(re.findall(r"^    (\w+): ", text, re.MULTILINE))  # the arguments
        is_enumeration = any(base.endswith("Enum") for base in found.base_names)
        for each in found.lineage:
            if each.identity in {base.identity for base in bases}:
                break
            for member in each.members:
                said = member.docstring or of_attributes.get(member.name, "")
                if member.name not in done and (said or is_enumeration):
                    done.add(member.name)
                    self.document(member, member.name, indent, said)

    def document_types(self) -> None:
        """Short names of types, and constants, that the signatures of the page use."""
        pending = [(each.module, each.signature_names) for each in self.shown]
        types: dict[str, Name] = {}
        for module, names in pending:
            for name in names - set(self.package.public) - set(types):
                found = module.find(name)
                if isinstance(found, Name) and isinstance(found.node, ast.Assign):
                    types[name] = found
                    pending.append((found.module, found.signature_names))
        if types:
            self.add(".. rubric:: Also in these signatures", "")
        for name in sorted(types):
            self.document(types[name], name)


def described(found: Name) -> tuple[str, str, list[tuple[str, str]]]:
    """The directive of a name, its signature and the directive's options."""
    node = found.node
    if isinstance(node, ast.ClassDef):
        if any(base.endswith(("Error", "Exception")) for base in found.base_names):
            return "exception", "", []
        is_enumeration = any(base.endswith("Enum") for base in found.base_names)
        return "class", "" if is_enumeration else found.signature, []
    if isinstance(node, ast.FunctionDef):
        if found.inside is None:
            return "function", found.signature, []
        flags = {"abstractmethod", "classmethod", "staticmethod"} & found.decorators
        options = [(flag, "") for flag in sorted(flags)]
        if {"property", "cached_property"} & found.decorators:
            return "property", "", [*options, ("type", found.annotation)]
        return "method", found.signature, options
    if found.inside is not None:
        of_field = [("type", found.annotation)] if found.annotation else []
        return "attribute", "", of_field or [("value", found.value)]
    if found.is_type:
        return "type", "", [("canonical", found.value)]
    short = found.value if len(found.value) < 60 else ""
    return "data", "", [("value", short)] if short else []


def sections(docstring: str) -> list[str]:
    """A docstring with its sections, "Args:" and so on, in reStructuredText."""
    return str(Sections(docstring, SECTIONS)).splitlines()


def without_attributes(docstring: str) -> tuple[str, dict[str, str]]:
    """The docstring of a class without "Attributes:", and what that says of each."""
    text, _, section = docstring.partition("\nAttributes:\n")
    section, end, after = section.partition("\n\n")
    entries = re.findall(r"^    ([\w, ]+): (.*(?:\n     .*)*)", section, re.MULTILINE)
    said = {
        name: re.sub(
            r"^(?=\w\.)", r"\\", re.sub(r"\n *", " ", words)
        )  # "r." is no list
        for names, words in entries
        for name in names.split(", ")
    }
    return text + end + after, said


@cache
def homes(root: Path, name: str) -> dict[Any, str]:
    """The package on whose page a name is: the first that exports it, the root last."""
    found: dict[Any, str] = {}
    packages = sorted(all_packages(root, name), key=lambda each: each.name.count("."))
    for package in [*packages[1:], packages[0]]:
        for public in package.public:
            each = package.find(public)
            if isinstance(each, Name):
                found.setdefault(each.identity, package.name)
    return found


def exported(package: Module) -> dict[Any, str]:
    """Full public names of all that is exported."""
    found = homes(package.root, package.name.split(".")[0])
    return {each: f"{home}.{each[1]}" for each, home in found.items()}


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_config_value("package_root", "", "env", [str])
    app.add_directive("exports", Exports)
    return {"parallel_read_safe": True}
