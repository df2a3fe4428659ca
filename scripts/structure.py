#!/usr/bin/env python3
"""Checks the structure of the sources. Usage: scripts/structure.py

No circle between files, and no import from a lower floor to a higher one: FLOORS lists them. No
function above 60 lines or with more than 6 parameters (tuples count by their parts), no file above
400 lines before its tests, no line above 100 columns, no tuple-let except to take a value apart.
A `mod.rs` that passes names on with `pub use` counts as a contents page: whoever imports such a
name depends on the file that defines it.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
# From the ground up; names on one line share a floor. A folder stands for all its files.
FLOORS = [
    "bytes content error grid quoted ranks real options scratch math noise plot image",
    "state metrics",
    "dynamics drift",
    "sampler",
    "run probe catalog",
    "diffusion draws posterior",
    "network",
    "onnx",
    "compare",
    "advanced prelude lib",
]
LINES, PARAMETERS, FILE, COLUMNS = 60, 6, 400, 100

problems = []


def code(path):
    """The lines of a file before its tests, without comments and strings."""
    text = path.read_text()
    text = re.split(r"\n#\[cfg\(test\)\]\nmod \w+ \{", text)[0]
    text = re.sub(r'r#".*?"#', '""', text, flags=re.S)
    text = re.sub(r'"(?:\\.|[^"\\])*"', lambda m: '"' + "\n" * m.group().count("\n") + '"', text, flags=re.S)
    return re.sub(r"//[^\n]*", "", text)


def module(path):
    parts = list(path.relative_to(ROOT / "src").with_suffix("").parts)
    return tuple(parts[:-1] if parts[-1] == "mod" else parts)


FILES = {module(path): path for path in (ROOT / "src").rglob("*.rs") if path.stem != "tests"}
CODE = {name: code(path) for name, path in FILES.items()}
FILES.pop(("lib",), None)


def paths(text):
    """The paths of all use declarations, groups taken apart; whether each is public."""
    # Indented imports belong to a module within the file, whose `super` is the file itself.
    for public, tree in re.findall(r"^(pub(?:\([^)]*\))?\s+)?use\s+([^;]+);", text, flags=re.M):
        for path in expand(re.sub(r"\s+", " ", tree)):
            yield bool(public), path


def expand(tree):
    if "{" not in tree:
        return [tree.split(" as ")[0].strip()]
    head, rest = tree.split("{", 1)
    rest = rest[: rest.rindex("}")]
    parts, depth, start = [], 0, 0
    for i, c in enumerate(rest + ","):
        depth += (c == "{") - (c == "}")
        if c == "," and depth == 0:
            parts.append(rest[start:i].strip())
            start = i + 1
    return [path for part in parts if part for path in expand(head.strip() + part)]


def resolve(path, seen=()):
    """The file that defines what a path names."""
    parts = [part for part in path if part != "self"]
    for length in range(len(parts), 0, -1):
        name = tuple(parts[:length])
        if name in FILES:
            if length == len(parts) or name in seen:
                return name
            for public, use in paths(CODE[name]):
                if public and use.split("::")[-1] in (parts[length], "*"):
                    target = absolute(name, use)
                    if target:
                        return resolve(target, seen + (name,))
            return name
    return None


def absolute(here, path):
    parts = path.split("::")
    if parts[0] == "crate":
        return tuple(parts[1:])
    folder = list(here)
    if parts[0] in ("super", "self"):
        if parts[0] == "self":
            parts = parts[1:]
        while parts and parts[0] == "super":
            folder = folder[:-1]
            parts = parts[1:]
        return tuple(folder + parts)
    # A path that begins with a child of this file.
    return tuple(folder + parts) if tuple(folder + parts[:1]) in FILES else None


def imports(name):
    text = CODE[name]
    used = [path for public, path in paths(text) if not public]
    used += re.findall(r"(?<![\w:])((?:crate|super)(?:::\w+)+)", re.sub(r"\buse\s+[^;]+;", "", text))
    for path in used:
        target = absolute(name, path)
        file = resolve(target) if target else None
        if file and file != name:
            yield file


FLOOR = {name: floor for floor, line in enumerate(FLOORS) for name in line.split()}
GRAPH = {name: set(imports(name)) for name in FILES}
for name, targets in GRAPH.items():
    if name[0] not in FLOOR:
        problems.append(f"{FILES[name].relative_to(ROOT)}: `{name[0]}` is on no floor")
        continue
    for target in targets:
        if FLOOR.get(target[0], -1) > FLOOR[name[0]]:
            problems.append(
                f"{FILES[name].relative_to(ROOT)}: imports {'/'.join(target)}, a higher floor"
            )


def circles():
    """One circle of each strongly connected part of the graph."""
    state, stack = {}, []

    def visit(name):
        state[name] = "open"
        stack.append(name)
        for target in sorted(GRAPH[name]):
            if state.get(target) == "open":
                yield stack[stack.index(target):] + [target]
            elif target not in state:
                yield from visit(target)
        stack.pop()
        state[name] = "done"

    for name in sorted(GRAPH):
        if name not in state:
            yield from visit(name)


for circle in circles():
    problems.append("circle: " + " -> ".join("/".join(name) for name in circle))

sources = list((ROOT / "src").rglob("*.rs")) + list((ROOT / "cli" / "src").rglob("*.rs"))
for path in sources:
    place = path.relative_to(ROOT)
    text = code(path)
    if text.count("\n") > FILE:
        problems.append(f"{place}: {text.count(chr(10))} lines before its tests, at most {FILE}")
    lines = text.split("\n")
    for i, line in enumerate(lines):
        if re.search(r"\blet \((?:mut )?\w+(?:, (?:mut )?\w+)+\) =\s*(\(|$)", line):
            tail = " ".join(lines[i : i + 4]).split("=", 1)[1].strip()
            if re.match(r"\((?!\)).*,", tail) and not re.match(r"\([^()]*\)\s*\.", tail):
                problems.append(f"{place}:{i + 1}: tuple-let: {line.strip()}")
        start = re.match(r"( *)(?:pub(?:\([^)]*\))? )?(?:const )?fn (\w+)", line)
        if not start:
            continue
        body = "\n".join(lines[i:])
        end = next((k for k in range(i, len(lines)) if lines[k] == start.group(1) + "}"), i)
        one_line = re.search(r"[;{]", body)
        if one_line and body[one_line.start()] == "{" and end - i + 1 > LINES:
            problems.append(f"{place}:{i + 1}: {start.group(2)} has {end - i + 1} lines")
        opened = body.index("(", body.index("fn " + start.group(2)))
        if "<" in body[:opened].split("fn " + start.group(2))[1]:
            depth, k = 0, body.index("<")
            while True:
                depth += (body[k] == "<") - (body[k] == ">" and body[k - 1] != "-")
                k += 1
                if depth == 0:
                    break
            opened = body.index("(", k)
        depth, k, count, own = 0, opened, 0, ""
        while True:
            c = body[k]
            depth += (c in "([{<") - (c in ")]}" or (c == ">" and body[k - 1] != "-"))
            own += c
            k += 1
            if depth == 0:
                break
        # Parts of tuples in patterns, `(a, b): (A, B)`, count one by one.
        flat, depth = [], 0
        piece = ""
        for c in own[1:-1] + ",":
            depth += (c in "([{<") - (c in ")]}>")
            if c == "," and depth == 0:
                if piece.strip():
                    flat.append(piece.strip())
                piece = ""
            else:
                piece += c
        for parameter in flat:
            pattern = parameter.split(":")[0].strip()
            count += pattern.count(",") + 1 if pattern.startswith("(") else 1
        if count > PARAMETERS:
            problems.append(f"{place}:{i + 1}: {start.group(2)} has {count} parameters")

for path in sorted(ROOT.rglob("*.rs")):
    if "target" in path.relative_to(ROOT).parts:
        continue
    for i, line in enumerate(path.read_text().split("\n"), 1):
        if len(line) > COLUMNS:
            problems.append(f"{path.relative_to(ROOT)}:{i}: {len(line)} columns")

for problem in problems:
    print(problem)
print(f"structure: {len(FILES)} files, {len(problems)} problems")
sys.exit(bool(problems))
