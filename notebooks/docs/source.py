"""The package as it is written: names, signatures and docstrings, without importing it.

Annotations are those of the source, ``Float[ArrayLike, "n d"]``: imported, they would
be the long unions that they stand for.
"""

import ast
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

__all__ = ["Module", "Name", "all_packages", "read_module"]

Node = ast.ClassDef | ast.FunctionDef | ast.Assign | ast.AnnAssign


@dataclass(frozen=True, eq=False)
class Module:
    """A module or a package in the folder ``root``."""

    root: Path
    name: str
    path: Path
    tree: ast.Module

    @property
    def docstring(self) -> str:
        return ast.get_docstring(self.tree) or ""

    @cached_property
    def lines(self) -> list[str]:
        return self.path.read_text("utf-8").splitlines()

    @property
    def public(self) -> list[str]:
        """The names in ``__all__``, in its order."""
        found = self.find("__all__")
        return ast.literal_eval(found.node.value) if isinstance(found, Name) else []

    def find(self, name: str) -> "Name | Module | None":
        """What a name of this module is, wherever in the package it is defined."""
        for node in _statements(self.tree):
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    if name == (alias.asname or alias.name):
                        return self._imported(node, alias.name)
            elif name == _name_of(node):
                return Name(self, name, node)
        return None

    def _imported(self, node: ast.ImportFrom, name: str) -> "Name | Module | None":
        package = self.name.split(".")
        up = node.level - (self.path.name == "__init__.py")
        above = package[: len(package) - up] if node.level else []
        origin = ".".join([*above, *filter(None, [node.module])])
        module = read_module(self.root, origin)
        if module is None:
            return None
        found = None if module is self else module.find(name)  # from . import a_module
        return found or read_module(self.root, f"{origin}.{name}")


@dataclass(frozen=True, eq=False)
class Name:
    """A class, a function or a constant, where it is defined; or a member of a class."""

    module: Module
    name: str
    node: Node
    inside: ast.ClassDef | None = None

    @property
    def identity(self) -> tuple[str, str]:
        """Where it is defined: the same for all that export it."""
        return self.module.name, self.name

    @property
    def docstring(self) -> str:
        """Its docstring; what stands after a constant, or at the end of its line."""
        if isinstance(self.node, ast.ClassDef | ast.FunctionDef):
            return ast.get_docstring(self.node) or ""
        body = (self.inside or self.module.tree).body
        after = body.index(self.node) + 1
        if after < len(body) and isinstance(body[after], ast.Expr):
            value = body[after].value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                return inspect.cleandoc(value.value)
        return self.module.lines[self.node.end_lineno - 1].partition("  # ")[2]

    @property
    def value(self) -> str:
        """What a constant is assigned."""
        if self.is_type:
            return _annotation(self.node.value)
        return ast.unparse(self.node.value) if self.node.value else ""

    @property
    def annotation(self) -> str:
        """The type of a field, or what a function returns."""
        is_function = isinstance(self.node, ast.FunctionDef)
        found = getattr(self.node, "returns" if is_function else "annotation", None)
        return _annotation(found) if found else ""

    @property
    def is_type(self) -> bool:
        """Whether a constant is a short name of a type."""
        value = self.node.value if isinstance(self.node, ast.Assign) else None
        return isinstance(value, ast.Subscript | ast.BinOp | ast.Name | ast.Attribute)

    @property
    def signature_names(self) -> set[str]:
        """All names in the types of its signature, or in the type that it stands for."""
        if self.is_type:
            return set(re.findall(r"[A-Za-z_]\w*", self.value))
        return set(re.findall(r"[A-Za-z_]\w*", self.signature + self.annotation))

    @property
    def decorators(self) -> set[str]:
        """The last words of its decorators: ``property``, ``abstractmethod``."""
        names = (ast.unparse(each) for each in self.node.decorator_list)
        return {re.sub(r"\(.*", "", name).split(".")[-1] for name in names}

    @property
    def is_record(self) -> bool:
        """Whether a class takes its fields as arguments."""
        bases = map(ast.unparse, self.node.bases)
        return "dataclass" in self.decorators or "NamedTuple" in bases

    @property
    def lineage(self) -> list["Name"]:
        """The class and those of the package that it is made of, itself first."""
        classes = [self]
        for base in self.node.bases:
            found = self.module.find(ast.unparse(base))
            if isinstance(found, Name):
                classes += found.lineage
        return classes

    @property
    def base_names(self) -> set[str]:
        """The last words of all its bases, also of those from outside the package."""
        bases = (base for each in self.lineage for base in each.node.bases)
        return {ast.unparse(base).split(".")[-1] for base in bases}

    @property
    def members(self) -> list["Name"]:
        """Public fields, properties and methods of its own, as they are written."""
        return [
            Name(self.module, name, node, self.node)
            for node in self.node.body
            if (name := _name_of(node)) and (name[0] != "_" or name == "__call__")
        ]

    @property
    def signature(self) -> str:
        """``(arguments) -> what is returned``."""
        if isinstance(self.node, ast.FunctionDef):
            returned = f" -> {self.annotation}" if self.annotation else ""
            is_bound = self.inside is not None and "staticmethod" not in self.decorators
            return _parentheses(self.node.args, is_method=is_bound) + returned
        if not isinstance(self.node, ast.ClassDef):
            return ""
        fields: dict[str, str] = {}
        for each in reversed(self.lineage):
            for node in each.node.body:
                if isinstance(node, ast.FunctionDef) and node.name == "__init__":
                    return _parentheses(node.args, is_method=True)
                if isinstance(node, ast.AnnAssign) and each.is_record:
                    fields[_name_of(node)] = _field(node)
        return f"({', '.join(fields.values())})" if fields else ""


def all_packages(root: Path, name: str) -> Iterator[Module]:
    """A package and all public packages in it that export something."""
    for path in sorted((root / name).rglob("__init__.py")):
        parts = path.parent.relative_to(root).parts
        module = read_module(root, ".".join(parts))
        if module and module.public and not any(part[0] == "_" for part in parts):
            yield module


@cache
def read_module(root: Path, name: str) -> Module | None:
    """The module or package of that name, unless it is from elsewhere."""
    stem = root.joinpath(*name.split("."))
    for path in (stem / "__init__.py", stem.with_name(stem.name + ".py")):
        if path.is_file():
            return Module(root, name, path, ast.parse(path.read_text("utf-8")))
    return None


def _statements(tree: ast.Module) -> Iterator[ast.stmt]:
    """The statements of a module, also those of ``if TYPE_CHECKING`` and ``try``."""
    for node in tree.body:
        yield from node.body if isinstance(node, ast.If | ast.Try) else [node]


def _name_of(node: ast.stmt) -> str:
    """The name that a statement defines, if it does."""
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        return node.name
    target = getattr(node, "target", None)
    if isinstance(node, ast.Assign):
        target = node.targets[0]
    return target.id if isinstance(target, ast.Name) else ""


def _annotation(node: ast.expr) -> str:
    """An annotation without the quotation marks around a name or the space of " n"."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return re.sub(r"(?<=, )' ([^']*)'(?=\])", r"'\1'", ast.unparse(node))


def _parentheses(arguments: ast.arguments, *, is_method: bool) -> str:
    positional = [*arguments.posonlyargs, *arguments.args]
    required = [None] * (len(positional) - len(arguments.defaults))
    shown = [*map(_argument, positional, [*required, *arguments.defaults])]
    if arguments.posonlyargs:
        shown.insert(len(arguments.posonlyargs), "/")
    if arguments.vararg:
        shown.append("*" + _argument(arguments.vararg, None))
    elif arguments.kwonlyargs:
        shown.append("*")
    shown += map(_argument, arguments.kwonlyargs, arguments.kw_defaults)
    if arguments.kwarg:
        shown.append("**" + _argument(arguments.kwarg, None))
    return f"({', '.join(shown[is_method:])})"


def _argument(argument: ast.arg, default: ast.expr | None) -> str:
    annotation = f": {_annotation(argument.annotation)}" if argument.annotation else ""
    return argument.arg + annotation + (f" = {ast.unparse(default)}" if default else "")


def _field(node: ast.AnnAssign) -> str:
    default = node.value
    if isinstance(default, ast.Call) and ast.unparse(default.func).endswith("field"):
        given = {each.arg: each.value for each in default.keywords}
        default = given.get("default")
        if "default_factory" in given:
            default = ast.Call(given["default_factory"], [], [])
    return _argument(ast.arg(node.target.id, node.annotation), default)
