"""Brings ``docs/troubleshooting.md`` up to date with what the code says: ``python -m tools.troubleshooting``.

Errors, warnings and reasons why a button is grey are read from the source of add-on and backend, with the
remedy that stands beside them. Why a message appears is written by hand in the page's middle column, and so
is what helps where the code has no remedy: the command keeps both, drops rows whose message is gone, and
marks with :data:`UNWRITTEN` what somebody has to write. What ``likeness eval`` says of data sets is left out.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "troubleshooting.md"
FOLDERS = ("addon", "backend")
LEFT_OUT = ("backend/evaluate/", "backend/cli/evaluate.py")
UNWRITTEN = "?"
GAP = "…"
"""What stands for words that are filled in at run time."""

WARNINGS = {"backend/photo_checks.py", "backend/doubts.py", "backend/morphable.py"}
"""Modules whose sentences, if nobody raises them, are warnings."""
NOTICES = "addon/handlers.py"
"""Where everything that is said is a notice, because nobody pressed a button."""
SPOKEN: dict[str, tuple[int, int | None]] = {
    "Text": (0, 1),
    "ErrorBody": (1, 2),
    "poll_message_set": (0, None),
}
"""Calls besides errors, with the places of message and remedy."""

SECTIONS: dict[str, tuple[str, ...]] = {
    "Setting up": (
        *("backend/setup/", "addon/setup_", "addon/operators/set_up.py", "addon/installation.py"),
        "backend/libraries.py",
    ),
    "Photos that will not do": ("backend/photo.py", "backend/photo_checks.py"),
    "Notes about a photo": ("warning",),
    "The backend": (
        *("addon/backend_process.py", "addon/client.py", "addon/jobs.py", "addon/messages.py"),
        *("addon/session.py", "addon/preferences.py", "addon/operators/backend.py", "addon/head_data.py"),
        "addon/still_data.py",
    ),
    "Heads, cameras and pictures": ("addon/",),
    "Models of your own": ("backend/models/",),
    "Servers and the command line": ("backend/",),
}
"""Headings of the page in their order, and the places whose messages stand there; the first that fits."""

ROW = re.compile(r"^\| \*(?P<message>.+?)\* \| (?P<why>.*?) \| (?P<remedy>.*?) \|$", re.MULTILINE)


@dataclass(frozen=True)
class Trouble:
    """One message, and what the code says to do about it."""

    message: str
    remedy: str
    place: str
    """Path of the module, or ``warning``."""

    @property
    def section(self) -> str:
        """The heading that it belongs under."""
        return next(name for name, places in SECTIONS.items() if self.place.startswith(places))


def collect(root: Path = ROOT) -> tuple[list[Trouble], set[str]]:
    """Every message once, in the order of the code; and the calls whose words come from elsewhere."""
    trees = {
        path.relative_to(root).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for folder in FOLDERS
        for path in sorted((root / folder).rglob("*.py"))
    }
    errors = _error_classes(trees.values())
    found: dict[str, Trouble] = {}
    hidden: set[str] = set()
    for place, tree in trees.items():
        if place.startswith(LEFT_OUT):
            continue
        for trouble in _Reader(place, tree, errors, hidden).read():
            known = found.setdefault(trouble.message, trouble)
            if trouble.remedy and not known.remedy:
                found[trouble.message] = trouble
    return list(found.values()), hidden


def _error_classes(trees: Iterable[ast.Module]) -> set[str]:
    """Names of all exceptions that derive from ours, and of ours."""
    bases = {
        node.name: {ast.unparse(base) for base in node.bases}
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    names = {"AddonError", "LikenessError"}
    while more := {name for name, parents in bases.items() if parents & names} - names:
        names |= more
    return names


class _Reader:
    """What one module says."""

    def __init__(self, place: str, tree: ast.Module, errors: set[str], hidden: set[str]) -> None:
        self._place, self._tree, self._errors, self._hidden = place, tree, errors, hidden
        self._words = {  # words that have a name before they are said
            target.id: node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }

    def read(self) -> Iterator[Trouble]:
        """Its messages."""
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Call):
                yield from self._call(node)
            elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                yield from self._table(node)
        if self._place in WARNINGS:
            yield from self._warnings()

    def _call(self, node: ast.Call) -> Iterator[Trouble]:
        name, arguments = _name(node.func), node.args
        if name in self._errors and arguments:
            yield from self._said(arguments[0], arguments[1] if len(arguments) > 1 else None, node)
        elif name in SPOKEN and arguments:
            message, remedy = SPOKEN[name]
            if len(arguments) > (remedy or message):
                yield from self._said(arguments[message], None if remedy is None else arguments[remedy], node)
        elif name == "unusable":  # backend/models/parts.py: "<file> <what>."
            yield from self._said(arguments[1], arguments[2], node, before=f"{GAP} ")
        elif name == "Ended" and ast.unparse(arguments[0]) == "False":
            yield from self._said(arguments[1], arguments[2], node)
        elif name == "report" and re.search("ERROR|WARNING", ast.unparse(arguments[0])):
            yield from self._said(self._inner(arguments[1]), None)
        elif name == "report_text" and self._place == NOTICES and isinstance(arguments[0], ast.Constant):
            yield from self._said(arguments[0], None)

    def _table(self, node: ast.Assign | ast.AnnAssign) -> Iterator[Trouble]:
        """Messages that stand in a table of their module."""
        name = ast.unparse(node.target if isinstance(node, ast.AnnAssign) else node.targets[0])
        if (self._place, name) == ("backend/setup/explain.py", "CAUSES"):
            assert isinstance(node.value, ast.Tuple)
            for row in node.value.elts:
                assert isinstance(row, ast.Tuple)
                yield from self._said(row.elts[1], row.elts[2])
        elif (self._place, name) == ("addon/setup_layout.py", "WORDS"):
            assert isinstance(node.value, ast.Dict)
            for value in node.value.values:
                yield from self._said(value, None)

    def _warnings(self) -> Iterator[Trouble]:
        """Sentences that are neither docstrings nor an error's."""
        nodes = list(ast.walk(self._tree))
        known = {node.value for node in nodes if isinstance(node, ast.Expr)}
        for node in nodes:
            if isinstance(node, ast.JoinedStr):
                known |= set(node.values)
            elif isinstance(node, ast.Call) and _name(node.func) in self._errors:
                known |= set(ast.walk(node))
        for node in nodes:
            words = self._text(node) if isinstance(node, ast.Constant | ast.JoinedStr) else ""
            if words.endswith(".") and " " in words and node not in known:
                yield Trouble(_plain(words), "", "warning")

    def _inner(self, node: ast.AST) -> ast.AST:
        """What is translated, without the call that does so."""
        return node.args[0] if isinstance(node, ast.Call) and node.args else node

    def _said(
        self, message: ast.AST, remedy: ast.AST | None, call: ast.Call | None = None, before: str = ""
    ) -> Iterator[Trouble]:
        words = self._text(message)
        if _plain(words).strip(GAP + ": "):
            helps = "" if remedy is None else _plain(self._text(remedy))
            yield Trouble(_plain(before + words), helps, self._place)
        elif call is not None:
            self._hidden.add(f"{self._place}: {ast.unparse(call)}")

    def _text(self, node: ast.AST) -> str:
        """The words of a literal, with gaps for what is filled in; empty if it is none."""
        match node:
            case ast.Constant(value=str(words)):
                return words
            case ast.Constant(value=int() | float() as number):
                return f"{number:g}"
            case ast.Name(id=name) if name in self._words:
                value = self._words.pop(name)  # or words made from themselves would never end
                try:
                    return self._text(value)
                finally:
                    self._words[name] = value
            case ast.FormattedValue(value=value):
                return self._text(value)
            case ast.JoinedStr(values=parts):
                return "".join(self._text(part) or GAP for part in parts)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return (self._text(left) or GAP) + (self._text(right) or GAP)
            case ast.Call(func=ast.Attribute(value=value, attr="strip")):
                return self._text(value)
        return ""


def _name(called: ast.AST) -> str:
    """The last part of a dotted name; empty for anything else."""
    return called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")


def _plain(words: str) -> str:
    """As it stands on the page: gaps instead of names, no full stop, nothing that breaks a table."""
    words = re.sub(r"\{\{|\}\}", "", re.sub(r"\{[a-z_]+(:[^}]*)?\}", GAP, words))
    words = re.sub(rf"({GAP}\s*)+$", f"{GAP}", re.sub(r"\s+", " ", words).strip())
    return words.rstrip(".").replace("|", "\\|").replace("<", "&lt;")


def updated(page: str, troubles: list[Trouble]) -> str:
    """The page with a row for each message, and what was written by hand kept."""
    written = {row["message"]: row for row in ROW.finditer(page)}
    for section in SECTIONS:
        rows = [_row(trouble, written) for trouble in troubles if trouble.section == section]
        table = "\n".join(["| it says | because | what helps |", "| --- | --- | --- |", *rows])
        head, _, rest = page.partition(f"## {section}\n")
        above, _, below = rest.partition("| it says |")
        _, gap, below = below.partition("\n\n")
        page = f"{head}## {section}\n{above}{table}\n{gap[1:]}{below}"
    return page


def _row(trouble: Trouble, written: dict[str, re.Match[str]]) -> str:
    known = written.get(trouble.message)
    why = known["why"] if known else UNWRITTEN
    remedy = trouble.remedy or (known["remedy"] if known else UNWRITTEN)
    return f"| *{trouble.message}* | {why} | {remedy} |"


if __name__ == "__main__":
    PAGE.write_text(updated(PAGE.read_text(encoding="utf-8"), collect()[0]), encoding="utf-8")
