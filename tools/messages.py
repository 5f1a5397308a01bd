"""Every word of the add-on that an artist may read: ``python -m tools.messages > likeness.pot``.

Blender translates labels and tooltips itself, if it knows them: names of classes and properties, their
descriptions, items of choices, and docstrings of operators. Words at run time pass ``addon/words.py``, are
the sentences of an error, or stand in a table by state. All of them have to be literals, or nobody could
collect them.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ADDON = ROOT / "addon"
DEFAULT_CONTEXT = "*"

PASSED_ON = {"label_text", "report_text", "poll_message_set"}
"""Functions whose first argument is for the artist."""
ERRORS = {
    node.name
    for node in ast.parse((ADDON / "errors.py").read_text(encoding="utf-8")).body
    if isinstance(node, ast.ClassDef)
} - {"RequestRefused"}  # its words come from the backend or from messages.TEXTS
RECORDS = {"Text"}
"""Dataclasses of words (messages.py)."""
PARAGRAPHS = {"draw_paragraph"}
"""Functions whose second argument is for the artist, if it does not pass ``words.py`` first."""
SHARED = {"backend/protocol.py": "Stage", "backend/setup/report.py": "Step"}
"""Enumerations beyond the add-on whose values it shows."""
PROPERTIES = ("name", "description")
LABELS = ("text", "heading")
CLASS_WORDS = ("bl_label", "bl_description")


@dataclass(frozen=True)
class Message:
    """Words and where they stand."""

    context: str
    words: str
    place: str


@dataclass(frozen=True)
class Hidden:
    """Words that cannot be collected, because they are made at run time."""

    place: str
    code: str


def collect(folder: Path = ADDON) -> tuple[list[Message], list[Hidden]]:
    """All messages of the add-on, and what hides from translators."""
    messages, hidden = [], []
    for path in sorted(folder.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node, context, value in _places(tree):
            place = f"{path.relative_to(folder.parent)}:{node.lineno}"
            if isinstance(value, ast.JoinedStr) or _is_sum(value):
                hidden.append(Hidden(place, ast.unparse(value)))
            elif isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value.strip():
                messages.append(Message(context, value.value, place))
    return [*messages, *(_shared() if folder == ADDON else ())], hidden


def _shared() -> Iterator[Message]:
    """Values of the backend's enumerations that the add-on shows while it works."""
    for place, name in SHARED.items():
        for node in ast.parse((ROOT / place).read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and node.name == name:
                for item in node.body:
                    if isinstance(item, ast.Assign) and isinstance(item.value, ast.Constant):
                        yield Message(DEFAULT_CONTEXT, item.value.value, f"{place}:{item.lineno}")


def _is_sum(value: ast.AST) -> bool:
    return isinstance(value, ast.BinOp) and any(isinstance(part, ast.JoinedStr) for part in ast.walk(value))


def _places(tree: ast.Module) -> Iterator[tuple[ast.AST, str, ast.AST]]:
    """Expressions whose value an artist reads, with their context."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield from ((node, DEFAULT_CONTEXT, value) for value in _class_words(node))
        elif isinstance(node, ast.Call):
            context = "Likeness" if any(item.arg == "translation_context" for item in node.keywords) else "*"
            yield from ((node, context, value) for value in _call_words(node))
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).endswith(".notice"):
            yield node, DEFAULT_CONTEXT, node.value
        elif isinstance(node, ast.Dict) and any(isinstance(key, ast.Attribute) for key in node.keys):
            yield from ((node, DEFAULT_CONTEXT, value) for value in node.values if _is_sentence(value))
        elif isinstance(node, ast.Tuple) and len(node.elts) == 3 and _is_item(node.elts):
            yield from ((node, DEFAULT_CONTEXT, value) for value in node.elts[1:])  # an item of a choice


def _is_sentence(node: ast.AST) -> bool:
    """Words rather than a name: names of icons and attributes have no space."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value


def _is_item(nodes: list[ast.expr]) -> bool:
    """Whether this is an item of a choice: identifier, name, description."""
    return isinstance(nodes[1], ast.Constant) and _is_sentence(nodes[2])


def _class_words(node: ast.ClassDef) -> Iterator[ast.AST]:
    names = {ast.unparse(base).rpartition(".")[2] for base in node.bases}
    if "Operator" in names and isinstance(node.body[0], ast.Expr):
        yield node.body[0].value  # the docstring is the tooltip
    for item in node.body:
        if isinstance(item, ast.Assign) and ast.unparse(item.targets[0]) in CLASS_WORDS:
            yield item.value
        elif isinstance(item, ast.Assign) and "Enum" in names:
            yield item.value  # values of enumerations of states are shown


def _call_words(node: ast.Call) -> Iterator[ast.AST]:
    name = ast.unparse(node.func).rpartition(".")[2]
    if name in PASSED_ON:
        yield from node.args[:1]
    elif name in PARAGRAPHS:
        yield from (value for value in node.args[1:2] if isinstance(value, ast.Constant | ast.JoinedStr))
    elif name in ERRORS | RECORDS:
        yield from node.args[:2]
    elif name == "report":
        yield from node.args[1:2]
    elif name.endswith("Property"):
        yield from (item.value for item in node.keywords if item.arg in PROPERTIES)
    else:
        yield from (item.value for item in node.keywords if item.arg in LABELS)


def pot(messages: list[Message]) -> str:
    """The messages as a template for translators, each once."""
    places: dict[tuple[str, str], list[str]] = {}
    for message in messages:
        places.setdefault((message.context, message.words), []).append(message.place)
    return "\n".join(
        "".join(f"#: {place}\n" for place in where)
        + f'msgctxt "{context}"\nmsgid {_quoted(words)}\nmsgstr ""\n'
        for (context, words), where in sorted(places.items())
    )


def _quoted(words: str) -> str:
    escaped = words.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


if __name__ == "__main__":
    sys.stdout.write(pot(collect()[0]))
