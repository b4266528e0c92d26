"""Faults put into the package one at a time, and whether the tests notice.

    KERAS_BACKEND=torch python -m tools.mutants --count 240 --processes 2
    KERAS_BACKEND=torch python -m tools.mutants --only keras_losskit/core/reduction.py:57
    KERAS_BACKEND=tensorflow python -m tools.mutants --survivors
    python -m tools.mutants --page

A mutant is the source of one module with one place changed: a sign, a factor, a bound, an axis, a
mask or a weight that is dropped, a refusal that refuses nothing, 1 % more of a gradient written by
hand. It is *killed* when a test fails. All are written to `docs/mutants.json`, with the place and
the test that noticed. `--survivors` tries those that live again, on the backend that it is run
with: a line that only TensorFlow reaches is no business of torch's. What lives for good has its
reason there, `"why"`, written by hand; `--page` makes docs/mutants.md of it.

Each mutant lives in a process of its own, forked from one that has imported all but the package.
"""

import argparse
import ast
import collections
import hashlib
import importlib.abc
import importlib.util
import itertools
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
RESULTS = ROOT / "docs" / "mutants.json"
FILES = (
    "core/*.py", "losses/segmentation/*.py", "losses/metric_learning/*.py",
    "losses/regression/*.py",
)  # fmt: skip
# For one mutant; an endless loop is a fault that was noticed. All tests of a file take a fifth.
SECONDS = 1200

# --- the faults --------------------------------------------------------------------------

ARITHMETIC = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult,
}  # fmt: skip
COMPARED = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
NAMES = {
    "at_least": "at_most", "at_most": "at_least", "larger": "smaller", "smaller": "larger",
    "min": "max", "max": "min", "sum": "mean", "mean": "sum", "all": "any", "any": "all",
    "zeros_like": "ones_like", "ones_like": "zeros_like", "logical_and": "logical_or",
    "logical_or": "logical_and", "exp": "expm1", "log1p": "log",
}  # fmt: skip
DROPPED = ("mask", "sample_weight", "weights", "initial", "dtype")


def mutations(tree):
    """`[(node, kind, change)]`: `change(node)` gives what stands in its place."""
    skipped = _skipped(tree)
    for parent in ast.walk(tree):
        for node in ast.iter_child_nodes(parent):
            if id(node) not in skipped:
                yield from _of(node)


def _skipped(tree):
    """Words that are not computed with: annotations, docstrings, messages, decorators."""
    nodes = []
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            nodes.append(node.annotation)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            nodes += [*node.decorator_list, getattr(node, "returns", None)]
        elif isinstance(node, ast.Raise):
            nodes.append(node.exc)
        elif isinstance(node, ast.JoinedStr):
            nodes.append(node)
    return {id(inner) for node in nodes if node is not None for inner in ast.walk(node)}


def _of(node):
    if isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC:
        if not any(isinstance(side, (ast.JoinedStr, ast.List, ast.Tuple)) or _text(side)
                   for side in (node.left, node.right)):  # fmt: skip
            yield node, "arithmetic", _with(op=ARITHMETIC[type(node.op)]())
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        yield node, "comparison", _with(ops=[COMPARED[type(node.ops[0])]()])
    elif isinstance(node, ast.BoolOp):
        other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield node, "and, or", _with(op=other)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.Not, ast.Invert)):
        if not isinstance(node.operand, ast.Constant):
            yield node, "sign, not", lambda n: n.operand
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, bool):
            yield node, "flag", lambda n: ast.Constant(not n.value)
        elif isinstance(node.value, (int, float)):
            yield node, "number", lambda n: ast.Constant(n.value + 1)
    elif isinstance(node, ast.Call):
        name = getattr(node.func, "attr", getattr(node.func, "id", None))
        if name in NAMES:
            yield node, "function", _renamed
        for keyword in node.keywords:
            if keyword.arg == "axis":
                yield node, "axis", _keyword("axis", ast.Constant(0))
            elif keyword.arg in DROPPED and not isinstance(keyword.value, ast.Constant):
                yield node, "dropped " + keyword.arg, _keyword(keyword.arg, ast.Constant(None))
        if name == "where" and len(node.args) == 3:
            yield node, "no where", lambda n: n.args[1]
        if name in ("stop_gradient", "square", "sqrt", "abs", "absolute", "fill", "check"):
            if len(node.args) >= 1:
                yield node, "no " + name, lambda n: n.args[0]
    elif isinstance(node, ast.If) and isinstance(node.body[0], (ast.Raise, ast.Return)):
        yield node, "no " + type(node.body[0]).__name__.lower(), _with(test=ast.Constant(False))
    elif isinstance(node, ast.Return) and _computed(node.value):
        yield node, "1 % more", _more


def _computed(node):
    """Whether this surely is a number: another thing fails at once, and proves nothing."""
    if isinstance(node, ast.Call):
        function = node.func
        return isinstance(function, ast.Attribute) and getattr(function.value, "id", "") == "ops"
    return isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC and not any(
        isinstance(n, ast.Constant) and isinstance(n.value, str) for n in ast.walk(node)
    )


def _text(node):
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _with(**fields):
    def change(node):
        new = type(node)(**{name: getattr(node, name) for name in node._fields})
        for name, value in fields.items():
            setattr(new, name, value)
        return new

    return change


def _renamed(node):
    function = node.func
    old = getattr(function, "attr", getattr(function, "id", None))
    if isinstance(function, ast.Attribute):
        function = ast.Attribute(function.value, NAMES[old], ast.Load())
    else:
        function = ast.Name(NAMES[old], ast.Load())
    return _with(func=function)(node)


def _keyword(name, value):
    def change(node):
        keywords = [ast.keyword(k.arg, value if k.arg == name else k.value) for k in node.keywords]
        return _with(keywords=keywords)(node)

    return change


def _more(node):
    return ast.Return(ast.BinOp(node.value, ast.Mult(), ast.Constant(1.01)))


class _Replace(ast.NodeTransformer):
    def __init__(self, index, change):
        self.index, self.change = index, change

    def visit(self, node):
        if getattr(node, "_index", None) == self.index:
            return ast.copy_location(_noted(self.change(node)), node)
        return self.generic_visit(node)


REACHED = "_was_reached"


def _noted(node):
    """What tells that it was run; a trace of every line would take most of the time."""
    field = {ast.If: "test", ast.Return: "value"}.get(type(node))
    inner = getattr(node, field) if field else node
    call = ast.Call(ast.Name(REACHED, ast.Load()), [inner], [])
    return _with(**{field: call})(node) if field else call


def _parsed(path):
    tree = ast.parse(path.read_text())
    for index, node in enumerate(ast.walk(tree)):
        node._index = index
    return tree


def mutants_of(path):
    """Descriptions of all mutants of a file, plain dicts."""
    found = []
    for number, (node, kind, change) in enumerate(mutations(_parsed(path))):
        new = ast.unparse(ast.fix_missing_locations(ast.copy_location(change(node), node)))
        if new == ast.unparse(node):
            continue
        file = str(path.relative_to(ROOT))
        name = f"{file}:{node.lineno}:{kind}:{ast.unparse(node)}"
        found.append({
            "file": file, "line": node.lineno, "kind": kind, "number": number,
            "was": _short(ast.unparse(node)), "is": _short(new),
            "id": hashlib.sha1(name.encode()).hexdigest()[:8],
        })  # fmt: skip
    return found


def _short(text):
    line = text.splitlines()[0]
    return line if len(line) < 80 else line[:77] + "..."


def faulty(mutant):
    """The syntax tree of the module with the fault in it."""
    tree = _parsed(ROOT / mutant["file"])
    node, _, change = list(mutations(tree))[mutant["number"]]
    return ast.fix_missing_locations(_Replace(node._index, change).visit(tree))


def mutated(mutant):
    return compile(faulty(mutant), str(ROOT / mutant["file"]), "exec")


# --- which tests may notice ---------------------------------------------------------------

LAWS = ["tests/test_contract.py", "tests/test_declared.py", "tests/test_numbers.py",
        "tests/test_magnitudes.py"]  # fmt: skip
# What runs in processes of its own, which import the package as it is.
ELSEWHERE = ("gather", "distribute", "distribute_jax", "new_process")
# Of each way in which a loss takes and treats what it is given.
SOME = ("Huber", "CategoricalCrossentropy", "BinaryFocal", "Dice", "NTXent", "TripletSemiHard",
        "ListSoftmax", "GIoU", "WeightedSum", "Product", "Select")  # fmt: skip


def users(module, most=24):
    """Losses whose modules import one of core/, of each family some."""
    found = collections.defaultdict(list)
    for path in sorted((ROOT / "keras_losskit" / "losses").glob("*/*.py")):
        text = path.read_text()
        if f"core.{module} import" in text or re.search(rf"core import .*\b{module}\b", text):
            found[path.parent.name] += [
                n.name for n in ast.parse(text).body
                if isinstance(n, ast.ClassDef) and not n.name.startswith("_")
            ]  # fmt: skip
    in_turn = itertools.zip_longest(*found.values())
    return [name for names in in_turn for name in names if name][:most]


def tests_for(file):
    """`(stages, expression)` for pytest: lists of paths, what stands nearest first.

    A stage of its own spares the collection of all the others where the nearest notice.
    """
    path = pathlib.Path(file)
    if path.parent.name == "core":
        mirror = f"tests/core/test_{path.stem}.py"
        near = [mirror] if (ROOT / mirror).exists() else []
        rest = ["tests/core", *LAWS, "tests/test_laws.py", "tests/losses",
                "tests/saving/test_round_trip.py", "tests/training",
                "keras_losskit/core"]  # fmt: skip
        words = (*SOME, *users(path.stem), "core", "training", "saving", "test_laws", "losses")
        return [near, rest], " or ".join(words)
    family = path.parent.name
    names = [n.name for n in ast.parse((ROOT / file).read_text()).body
             if isinstance(n, ast.ClassDef) and not n.name.startswith("_")]  # fmt: skip
    if path.stem in ("base", "overlap", "distance_transform") or not names:
        classes = (ROOT / path.parent).glob("*.py")
        names = [n.name for f in classes for n in ast.parse(f.read_text()).body
                 if isinstance(n, ast.ClassDef)][:40]  # fmt: skip
    near = [p for p in (f"tests/losses/test_{family}.py", f"tests/elsewhere/test_{family}.py")
            if (ROOT / p).exists()]  # fmt: skip
    # Its folder: a file that is named itself is imported by pytest, past the mutant.
    rest = [*LAWS, "tests/core", "tests/elsewhere", str(path.parent)]
    words = (*names, f"test_{family}", "test_numerics", "test_shapes", path.stem)
    return [near, rest], " or ".join(words)


# --- running one ---------------------------------------------------------------------------


class _Instead(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports the mutant in place of its module."""

    def __init__(self, mutant):
        self.name = mutant["file"][: -len(".py")].replace("/", ".").removesuffix(".__init__")
        self.mutant, self.reached = mutant, False

    def _reached(self, value):
        self.reached = True
        return value

    def find_spec(self, name, path=None, target=None):
        if name != self.name:
            return None
        place = str(ROOT / self.mutant["file"])
        return importlib.util.spec_from_file_location(name, place, loader=self)

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        setattr(module, REACHED, self._reached)
        module.__file__ = str(ROOT / self.mutant["file"])
        exec(mutated(self.mutant), module.__dict__)


class _Failures:
    """Notes the tests that fail."""

    def __init__(self):
        self.found = []

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.found.append(report.nodeid)

    def pytest_collectreport(self, report):
        if report.failed:
            self.found.append(report.nodeid + " (collection)")


def noticed_by(done):
    """The tests that killed a mutant, each once."""
    return sorted({m["by"] for m in done if m["killed"] and "::" in (m["by"] or "")})


def in_child(mutant, write):
    """Runs the tests on a mutant and tells who noticed; of `{"tests": …}`, those, on what is."""
    import pytest

    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    failures = _Failures()
    arguments = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    if "tests" in mutant:
        stages, instead = [mutant["tests"]], None
    else:
        instead = _Instead(mutant)
        sys.meta_path.insert(0, instead)
        stages, expression = tests_for(mutant["file"])
        arguments += ["-x", "-k", expression, "-m", "not once"]
        arguments += [f"--ignore=tests/training/test_{name}.py" for name in ELSEWHERE]
    status = 0
    try:
        for paths in stages:
            if paths and not status:
                status = int(pytest.main([*arguments, *paths], plugins=[failures]))
                status = 0 if status == pytest.ExitCode.NO_TESTS_COLLECTED else status
    except BaseException as error:  # The mutant ended pytest itself.
        failures.found, status = [f"{type(error).__name__}: {error}"[:200]], 1
    first = failures.found[0] if failures.found else None
    reached = bool(instead and instead.reached)
    result = {"killed": status != 0, "by": first, "status": status, "reached": reached}
    if "tests" in mutant:
        result["failed"] = failures.found
    os.write(write, json.dumps(result).encode())
    os._exit(0)


def fork(mutant):
    """`(pid, pipe)` of a process that tries a mutant."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        os.setsid()
        in_child(mutant, write)
    os.close(write)
    return pid, read


def tried(found, processes, note):
    """Each mutant with what became of it, several at a time."""
    waiting, running, done = list(found), {}, []
    while waiting or running:
        while waiting and len(running) < processes:
            mutant = waiting.pop(0)
            pid, read = fork(mutant)
            running[pid] = mutant, read, time.monotonic()
        for pid, (mutant, read, start) in list(running.items()):
            ended, _ = os.waitpid(pid, os.WNOHANG)
            late = "tests" not in mutant and time.monotonic() - start > SECONDS
            if not ended and not late:
                continue
            if late and not ended:
                os.killpg(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                answer = {"killed": True, "by": f"no end after {SECONDS} s"}
            else:
                text = os.read(read, 1 << 16)
                answer = json.loads(text) if text else {"killed": True, "by": "the process died"}
            os.close(read)
            del running[pid]
            done.append({**mutant, **answer})
            note(done[-1], len(done), len(found))
        time.sleep(0.05)
    return done


# --- the command -----------------------------------------------------------------------------


def drawn(patterns, count, seed):
    """Mutants of all files and kinds, in equal parts as far as there are any."""
    paths = sorted(p for pattern in patterns for p in (ROOT / "keras_losskit").glob(pattern))
    every = [m for p in paths if p.name != "__init__.py" for m in mutants_of(p)]
    random.Random(seed).shuffle(every)
    groups = collections.defaultdict(list)
    for mutant in every:
        groups[mutant["file"], mutant["kind"]].append(mutant)
    queues, chosen = list(groups.values()), []
    random.Random(seed + 1).shuffle(queues)
    while len(chosen) < count and any(queues):
        for queue in queues:
            if queue and len(chosen) < count:
                chosen.append(queue.pop())
    return chosen, len(every)


def note(mutant, done, of):
    fate = "killed" if mutant["killed"] else "LIVES"
    place = f"{mutant['file']}:{mutant['line']}"
    print(f"{done}/{of} {fate} {place} {mutant['kind']}: {mutant['was']} -> {mutant['is']}"
          f"  [{mutant['by']}]", flush=True)  # fmt: skip


PAGE = """# Faults put in on purpose

<!-- Written by `python -m tools.mutants --page`; do not edit. -->

Do the tests notice a fault? {n} were put into `core/` and the families of segmentation, metric
learning and regression, one at a time, drawn from the {of} places where `python -m tools.mutants`
can change one thing, in equal parts of files and kinds: {killed} were noticed by a test that fails.
Of the {left} others {same} change nothing that could be noticed: **{share:.1%}** of those that do
were. Drawn at revision {revision}; `--survivors` tried again, on another backend and with tests
written since, those that lived at first.

| kind of fault | put in | noticed |
|---|---:|---:|
{kinds}

## What lived, and why

| place | was | became | why |
|---|---|---|---|
{survivors}
"""


def page(found):
    """docs/mutants.md, from what was found."""
    mutants = found["mutants"]
    lived = [m for m in mutants if not m["killed"]]
    same = [m for m in lived if m.get("why", "").startswith("The same")]
    kinds = collections.defaultdict(list)
    for mutant in mutants:
        kinds[mutant["kind"]].append(mutant["killed"])
    return PAGE.format(
        n=len(mutants), of=found["of"], killed=len(mutants) - len(lived), left=len(lived),
        same=len(same), share=1 - (len(lived) - len(same)) / (len(mutants) - len(same)),
        revision=found.get("revision", "?"),
        kinds="\n".join(
            f"| {kind} | {len(fates)} | {sum(fates)} |" for kind, fates in sorted(kinds.items())
        ),
        survivors="\n".join(
            f"| {m['file'].removeprefix('keras_losskit/')}:{m['line']} | `{_cell(m['was'])}` "
            f"| `{_cell(m['is'])}` | {m.get('why', '')} |"
            for m in sorted(lived, key=lambda m: (m["file"], m["line"]))
        ),
    )  # fmt: skip


def _cell(text):
    return text.replace("|", "\\|")


def main(arguments=None):
    parser = argparse.ArgumentParser("python -m tools.mutants", description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=240)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--only", help="file:line or file: all mutants there; writes nothing")
    parser.add_argument("--survivors", action="store_true", help="those without a reason, again")
    parser.add_argument("--resume", action="store_true", help="go on with a run that was ended")
    parser.add_argument("--page", action="store_true", help="docs/mutants.md, of the last run")
    options = parser.parse_args(arguments)
    if options.page:
        text = page(json.loads(RESULTS.read_text()))
        return RESULTS.with_suffix(".md").write_text(text)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    last = json.loads(RESULTS.read_text()) if options.survivors or options.resume else None
    if options.only:
        file, _, line = options.only.partition(":")
        found, every = mutants_of(ROOT / file), None
        found = [m for m in found if not line or m["line"] == int(line)]
    elif options.survivors:
        found, every = last["mutants"], last["of"]
    else:
        found, every = drawn(FILES, options.count, options.seed)
    # What is known of each that is not tried now.
    known = {m["id"]: m for m in last["mutants"]} if last else {}
    if options.survivors:
        known = {i: m for i, m in known.items() if m["killed"] or "why" in m}
    _warm()
    backend = os.environ["KERAS_BACKEND"]
    revision = last.get("revision") if last else _revision()

    def keep(mutant, done, of):
        note(mutant, done, of)
        known[mutant["id"]] = {**mutant, "on": backend}
        if mutant["killed"]:
            known[mutant["id"]].pop("why", None)
        if not options.only:
            RESULTS.parent.mkdir(exist_ok=True)
            # Those that were tried; of survivors the others too, as they were.
            held = [known.get(m["id"], m) for m in found if m["id"] in known or "killed" in m]
            text = {"revision": revision, "of": every, "mutants": held}
            RESULTS.write_text(json.dumps(text, indent=1) + "\n")

    tried([m for m in found if m["id"] not in known], options.processes, keep)
    done = [known[m["id"]] for m in found]
    tests = noticed_by(done)
    failing = tests and tried([{"tests": tests}], 1, lambda *_: None)[0].get("failed", tests)
    if failing:
        sys.exit(f"Without any fault these fail as well, so nothing is known: {failing}")
    killed = sum(m["killed"] for m in done)
    print(f"{killed} of {len(done)} killed ({killed / max(len(done), 1):.1%})")


def _revision():
    command = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()


def _warm():
    """Imports what all tests import, but not the package."""
    os.environ.setdefault("KERAS_BACKEND", "torch")
    os.environ["KERAS_LOSSKIT_SHARE"] = "1"
    import keras  # noqa: F401
    import pytest  # noqa: F401
    import scipy.stats  # noqa: F401

    if os.environ["KERAS_BACKEND"] == "torch":
        import torch

        torch.set_num_threads(1)


if __name__ == "__main__":
    main()
