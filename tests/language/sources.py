"""What code says to people, found in its syntax: messages looked up, finished sentences, and forgotten ones."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

# Calls whose words are looked up, with the number of their leading messages.
LOOKED_UP = {"tr": 1, "mark": 1, "trn": 2}
# `count(3, "photo")` says `{number} photo`, `{number} photos`.
COUNTED = "count"
# Arguments that no person reads.
SILENT = {
    "key",
    "icon",
    "type",
    "width",
    "kind",
    "format",
    "gap",
    "mime",
    "label_visibility",
    "persist_state",
    "where",
    "shortcut",
    "horizontal_alignment",
    "vertical_alignment",
    "scene",
    "who",
    "on_click",
    "position",
    "output_format",
    "language",
    "choices",
    "dest",
    "metavar",
    "action",
    "nargs",
    "default",
    "prog",
    "encoding",
    "errors",
    "newline",
    "url_path",
}
# Calls with words for programs: patterns, style, formats, keys.
SILENT_CALLS = {
    "compile", "sub", "split", "fullmatch", "match", "search", "findall", "strftime", "getenv", "get", "pop",
    "setdefault", "startswith", "endswith", "removeprefix", "removesuffix", "import_module", "open", "glob", "rglob",
    "switch_page", "Page", "Character", "Scene", "component", "encode", "join", "replace", "setLevel", "which",
}  # fmt: skip
MARKUP = re.compile(r"<[^<>]*>|&\w+;|:material/\w+:|`[^`]*`|https?://\S+|data:\S+|\b([KMG]B|px|sha256)\b", re.DOTALL)
SCRIPT = re.compile(r"\bexport default\b|=> *\{")
# A pattern, or a place in a file, not a sentence.
PATTERN = re.compile(r"^pragma |\\|\|\w|^\w+_\w+$")
WORD = re.compile(r"[A-Za-z]{2,}")


@dataclass(frozen=True)
class Said:
    """One message: its English form, the plural if it has one, and where it stands."""

    form: str
    several: str | None
    line: int


def place_name(value: ast.expr) -> str:
    """A name for what is put into a sentence, from the expression that gives it."""
    if isinstance(value, ast.Name):
        return value.id.strip("_").lower()
    if isinstance(value, ast.Attribute):
        return value.attr.strip("_").lower()
    if isinstance(value, ast.Call) and value.args:
        return place_name(value.args[0])
    if isinstance(value, ast.Call):
        return place_name(value.func.value if isinstance(value.func, ast.Attribute) else value.func)
    if isinstance(value, ast.Subscript):
        key = value.slice
        if isinstance(key, ast.Constant) and isinstance(key.value, str) and key.value.isidentifier():
            return key.value
        return place_name(value.value)
    if isinstance(value, ast.Constant):
        return "value"
    inner = next((each for each in ast.walk(value) if isinstance(each, ast.Name | ast.Attribute)), None)
    return place_name(inner) if inner is not None else "value"


def form_of(node: ast.expr) -> tuple[str, dict[str, ast.FormattedValue]] | None:
    """The form of a literal, `{name} has {number} photos`, with what stands at its places.

    Returns:
        None when it is no literal.
    """
    if isinstance(node, ast.Constant):
        return (node.value, {}) if isinstance(node.value, str) else None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = form_of(node.left), form_of(node.right)
        if left is None or right is None:
            return None
        return (left[0] + right[0], left[1] | right[1])
    if not isinstance(node, ast.JoinedStr):
        return None
    form, places = "", {}
    for part in node.values:
        if isinstance(part, ast.Constant):
            form += str(part.value)
            continue
        assert isinstance(part, ast.FormattedValue)
        base = name = place_name(part.value) or "value"
        number = 1
        while name in places and ast.dump(places[name]) != ast.dump(part):
            number += 1
            name = f"{base}{number}"
        places[name] = part
        form += f"{{{name}}}"
    return form, places


def literals(node: ast.expr) -> Iterator[ast.expr]:
    """The literals that an expression may turn out as."""
    if isinstance(node, ast.IfExp):
        yield from literals(node.body)
        yield from literals(node.orelse)
    elif isinstance(node, ast.BoolOp):
        for each in node.values:
            yield from literals(each)
    elif form_of(node) is not None:
        yield node


def called(node: ast.expr) -> str:
    """The last name of what is called."""
    if not isinstance(node, ast.Call):
        return ""
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")


def looked_up(tree: ast.AST) -> Iterator[Said]:
    """The messages that code looks up with `tr`, `trn`, `mark` and `count`."""
    for node in ast.walk(tree):
        name = called(node) if isinstance(node, ast.Call) else ""
        if name in LOOKED_UP and isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            given = node.args[: LOOKED_UP[name]]
            if not given:  # somebody else's function of that name
                continue
            if LOOKED_UP[name] == 2:
                one, several = (form_of(each) for each in given)
                if one and several:
                    yield Said(one[0], several[0], node.lineno)
                continue
            for each in literals(given[0]):
                form = form_of(each)
                if form and form[0]:
                    assert not form[1], f"line {node.lineno}: a message is no f-string"
                    yield Said(form[0], None, node.lineno)
        elif name == COUNTED and isinstance(node, ast.Call) and len(node.args) == 2:
            noun = node.args[1]
            if isinstance(noun, ast.Constant) and isinstance(noun.value, str):
                yield Said(f"{{number}} {noun.value}", f"{{number}} {noun.value}s", node.lineno)


def raised(tree: ast.AST, calls: frozenset[str]) -> Iterator[Said]:
    """The sentences of errors and other things that are told, by the names of their classes.

    The thing, the reason and the way out, where they stand as literals in the call.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and called(node) in calls:
            for argument in [*node.args, *(each.value for each in node.keywords)]:
                for each in literals(argument):
                    yield from _sentence(each)


def _sentence(node: ast.expr) -> Iterator[Said]:
    form = form_of(node)
    if form is not None:
        text = form[0].rstrip(".")
        own = re.sub(r"\{\w+\}", "", text)
        if " " in own and "\n" not in own and WORD.search(own) and not PATTERN.search(own):
            yield Said(text, None, node.lineno)
        for part in form[1].values():
            # f"{'one photo' if … else 'several photos'}": its words are a message of their own.
            for each in literals(part.value):
                if each is not part.value or isinstance(each, ast.JoinedStr):
                    yield from _sentence(each)


def sentences(tree: ast.AST) -> Iterator[Said]:
    """Every literal of a file that reads as a sentence; for files that write for people and nothing else."""
    for node in unsaid(tree, frozenset()):
        yield from _sentence(node)


def is_prose(text: str) -> bool:
    """Whether words are meant for people: two of them, or one with a capital; `\\0` stands for a value."""
    if SCRIPT.search(text):
        return False
    bare = MARKUP.sub(" ", text)
    words = WORD.findall(bare)
    if "\0" in text:
        return bool(words) and bool(re.search(r"\s", bare.strip()))
    if re.fullmatch(r"[\w./:#*+,@-]*", bare.strip()) and not re.fullmatch(r"[A-Z][a-z]+…?", bare.strip()):
        return False
    return (
        len(words) >= 2
        or bool(re.fullmatch(r"[A-Z]\w* +\w+.*", bare.strip(), re.DOTALL))
        or bool(re.fullmatch(r"[A-Z][a-z]+[…?.!]?", bare.strip()))
    )


def unsaid(tree: ast.AST, errors: frozenset[str]) -> Iterator[ast.expr]:
    """The literals that look as if a person reads them, and that nothing looks up.

    Args:
        tree: of a file.
        errors: classes whose words are translated where they are told.
    """
    skipped: set[int] = set()

    def skip(node: ast.AST) -> None:
        skipped.update(id(each) for each in ast.walk(node))

    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            if node.body and isinstance(node.body[0], ast.Expr) and isinstance(node.body[0].value, ast.Constant):
                skip(node.body[0])
        elif isinstance(node, ast.Call):
            name = called(node)
            if name in errors or name in SILENT_CALLS:
                for each in node.args:
                    if not (name == "join" and isinstance(each, ast.Call | ast.GeneratorExp | ast.ListComp)):
                        skip(each)
            elif name in LOOKED_UP:
                for each in node.args[: LOOKED_UP[name]]:
                    skip(each)
            elif name == COUNTED and len(node.args) == 2:
                skip(node.args[1])
            for keyword in node.keywords:
                if keyword.arg in SILENT:
                    skip(keyword.value)
        elif isinstance(node, ast.Subscript):
            skip(node.slice)
        elif isinstance(node, ast.Compare):
            for each in (node.left, *node.comparators):
                if isinstance(each, ast.Constant):
                    skip(each)
        elif isinstance(node, ast.Dict):
            for key in node.keys:
                if isinstance(key, ast.Constant):
                    skip(key)
        elif isinstance(node, ast.FormattedValue) and node.format_spec is not None:
            skip(node.format_spec)
        elif isinstance(node, ast.Assert) and node.msg is not None:
            skip(node.msg)
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.JoinedStr):
            for part in node.values:
                if isinstance(part, ast.Constant):
                    skipped.add(id(part))
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else "\0" for part in node.values)
            if is_prose(text):
                yield node
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and is_prose(node.value):
            yield node
