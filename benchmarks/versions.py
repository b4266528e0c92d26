"""The kit now beside the kit of an earlier commit: value and gradient, in turn, as ratios.

    python -m benchmarks.versions e7f9fb6
    python -m benchmarks.versions v0.1.0 --engines jax --only Huber --each 99

Both run the same functions of this folder, each version in a process of its own. A loss that the
earlier version has not is left out. Where both are compiled to the same program (TensorFlow, JAX),
the verdict says so: what their times then differ by is the clock's.
"""

import argparse
import functools
import importlib.util
import io
import pathlib
import subprocess
import sys
import tarfile
import tempfile

from benchmarks import cases, parts
from benchmarks.engines import BACKENDS
from benchmarks.pool import ROOT, Failed, Pool

THEN = "then"


class Versions(Pool):
    """Workers named after a backend run the working tree; "jax then" runs what `folder` holds."""

    def __init__(self, folder, log=None):
        super().__init__(log)
        self.folder = folder

    def setting(self, worker):
        backend, _, then = worker.partition(" ")
        python, folders, environment = super().setting(backend)
        return python, ([self.folder] if then else []) + folders, environment


def earlier(revision, folder):
    """The package as that commit has it, in `folder`."""
    archive = ["git", "archive", revision, "keras_losskit"]
    packed = subprocess.run(archive, cwd=ROOT, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        tar.extractall(folder, filter="data")


def chosen(options, there):
    """Of each family the first cases, and those that were asked for."""
    taken, found = {}, {}
    for key, case in cases.all_cases().items():
        if case.kit or case.loss not in there:
            continue
        named = any(part in key for part in options.only or ())
        first = not options.only and taken.get(case.family, 0) < options.each
        if named or first:
            taken[case.family] = taken.get(case.family, 0) + 1
            found[key] = case
    return found


def ratio(bench, engine, key, case):
    """One launch: the rounds of both versions."""
    now = BACKENDS[engine]
    where = {"kit": now, THEN: f"{now} {THEN}"}
    request = dict(engine=engine, case=key, source="kit", shape=case.shape)
    for name, worker in where.items():
        bench.pool.ask(worker, do="prepare", key=name, **request)
    row = {"engine": engine, "case": key, **parts.compared(bench.time(where), "kit", THEN)}
    programs = {bench.pool.ask(w, do="program", **request)["program"] for w in where.values()}
    row["same program"] = len(programs) == 1 and None not in programs
    bench.drop(where)
    return [row]


def parse(arguments):
    parser = argparse.ArgumentParser(
        "python -m benchmarks.versions", description=__doc__.split("\n")[0]
    )
    parser.add_argument("revision", help="the earlier commit")
    several = {"type": lambda text: text.split(",")}
    there = [e for e, b in BACKENDS.items() if importlib.util.find_spec(b)]
    parser.add_argument("--engines", default=there, **several, help=", ".join(BACKENDS))
    parser.add_argument("--each", type=int, default=2, help="cases of each family")
    parser.add_argument("--only", action="append", help="losses whose name contains this")
    parser.add_argument("--launches", type=int, default=3, help="of the processes")
    parser.add_argument("--rounds", type=int, default=15, help="of a launch, for each version")
    parser.add_argument("--seconds", type=float, default=1.5, help="per loss and launch")
    return parser.parse_args(arguments)


def main(arguments=None):
    options = parse(arguments)
    with tempfile.TemporaryDirectory() as folder, Versions(pathlib.Path(folder)) as pool:
        earlier(options.revision, folder)
        bench = parts.Bench(pool, options.rounds, options.seconds, False, options.launches)
        for engine in options.engines:
            losses = sorted({case.loss for case in cases.all_cases().values() if not case.kit})
            old = f"{BACKENDS[engine]} {THEN}"
            there = pool.ask(old, do="has", losses=losses)["losses"]
            jobs = {
                key: functools.partial(ratio, bench, engine, key, case)
                for key, case in chosen(options, there).items()
            }
            table(engine, options.revision, bench.over_launches(jobs))


def table(engine, revision, rows):
    print(f"\n## {engine}: now / {revision}\n")
    print("| loss | now, ms | then, ms | ratio | 95 % | verdict |")
    print("|---|---|---|---|---|---|")
    for row in sorted(rows, key=lambda row: -row["ratio"]):
        print(
            f"| {row['case']} | {row['kit_ms']:.3g} | {row['peer_ms']:.3g} | {row['ratio']:.3f} "
            f"| {row['low']:.2f}-{row['high']:.2f} | {row['verdict']} |", flush=True,
        )  # fmt: skip


if __name__ == "__main__":
    try:
        main()
    except Failed as error:
        sys.exit(str(error))
