"""Measures the kit's losses side by side with their peers, and prints tables.

    sh benchmarks/peers/make_environment.sh        # once; without it those peers are left out
    python -m benchmarks                           # everything
    python -m benchmarks --engines jax --only Dice --parts losses
"""

import argparse
import datetime
import importlib.util
import json
import os
import pathlib
import shlex
import sys

from benchmarks import cases, parts, report
from benchmarks.engines import BACKENDS
from benchmarks.pool import Failed, Pool, peers_python

PARTS = ("losses", "sums", "steps", "growth", "watch")


def machine():
    """How many cores, and which; nothing that names this machine."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    about = pathlib.Path("/proc/cpuinfo")
    lines = about.read_text().splitlines() if about.exists() else []
    models = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return f"{cores} CPU cores" + (f" ({models[0]})" if models else "")


def parse(arguments):
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__.split("\n")[0])
    several = {"type": lambda text: text.split(",")}
    there = [e for e, b in BACKENDS.items() if importlib.util.find_spec(b)]
    parser.add_argument("--engines", default=there, **several, help=", ".join(BACKENDS))
    parser.add_argument("--parts", default=list(PARTS), **several, help=", ".join(PARTS))
    parser.add_argument("--families", default=list(cases.FAMILIES), **several)
    parser.add_argument(
        "--only", action="append", help="losses whose name contains this; may be given again"
    )
    parser.add_argument("--peers-only", action="store_true", help="losses that a peer has")
    parser.add_argument("--launches", type=int, default=5, help="of the processes")
    parser.add_argument("--rounds", type=int, default=9, help="of a launch, for each candidate")
    parser.add_argument(
        "--seconds", type=float, default=0.7, help="per loss and launch, beyond five rounds"
    )
    parser.add_argument("--tiny", action="store_true", help="tiny inputs: does it run?")
    parser.add_argument("--json", help="file for the results")
    parser.add_argument(
        "--append", action="store_true", help="keep what that file holds and is not measured again"
    )
    parser.add_argument("--markdown", help="file for the tables, which are printed too")
    parser.add_argument("--plots", help="folder for the plots")
    parser.add_argument("--log", help="file for what the processes print")
    options = parser.parse_args(arguments)
    if options.append and not options.json:
        parser.error("--append needs the file of --json")
    for name, allowed in (("engines", BACKENDS), ("parts", PARTS), ("families", cases.FAMILIES)):
        for given in getattr(options, name):
            if given not in allowed:
                parser.error(f"--{name}: {given!r} is not among {', '.join(allowed)}")
    return options


def measured(options):
    """The results, each time with one part more."""
    log = open(options.log, "w") if options.log else None
    backends = list(dict.fromkeys(BACKENDS[engine] for engine in options.engines))
    results, load = {}, [os.getloadavg()[0]]
    if options.append:
        results = json.loads(pathlib.Path(options.json).read_text())
    earlier = results.get("about", {"commands": [], "versions": {}, "peer_versions": {}})

    def wanted(key, case):
        peers = not options.peers_only or set(case.peers) - {"hand"}
        named = not options.only or any(part in key for part in options.only)
        return case.family in options.families and named and peers

    with Pool(log) as pool:
        bench = parts.Bench(
            pool, options.rounds, options.seconds, options.tiny, options.launches
        )
        first = options.engines[0]
        jobs = [("losses", parts.losses, engine, wanted) for engine in options.engines]
        jobs += [("sums", parts.sums, engine) for engine in options.engines]
        jobs += [("steps", parts.steps, backend) for backend in backends]
        jobs += [("growth", parts.growth, first, wanted)]
        jobs += [("watch", parts.watch, engine) for engine in options.engines]
        for part, measure, *arguments in jobs:
            if part in options.parts:
                results[part] = updated(results.get(part, []), measure(bench, *arguments))
                yield {**results, "about": about(pool, backends, load, earlier)}


def updated(rows, new):
    """`rows`, with those of the same comparison replaced by `new` ones; a case stays together."""

    def of(row, *names):
        return tuple(row.get(name) for name in names)

    whole = ("engine", "backend", "family", "case", "peer", "terms", "model", "compared", "along")
    rows = list({of(row, *whole): row for row in (*rows, *new)}.values())
    places = {}
    for row in rows:
        places.setdefault(of(row, *whole[:4]), len(places))
    return sorted(rows, key=lambda row: places[of(row, *whole[:4])])


def about(pool, backends, load, earlier):
    """When, where and with what it was measured, by this run and the earlier ones."""
    versions = dict(earlier["versions"])
    for backend in backends:
        versions.update(pool.ask(backend, do="hello")["versions"])
    try:
        peers = pool.ask("peers", do="hello")["versions"] if peers_python() else {}
    except Failed:
        peers = {}
    command = shlex.join(["python", "-m", "benchmarks", *without_files(sys.argv[1:])])
    return {
        "date": datetime.date.today().isoformat(),
        "machine": machine(),
        "load": [round(x, 1) for x in (*load, os.getloadavg()[0])],
        "versions": {k: versions[k] for k in sorted(versions)},
        "peer_versions": {**earlier["peer_versions"], **peers},
        "commands": [*earlier["commands"], command],
    }


def without_files(arguments):
    """The command without the files that it writes, whose paths are nobody's business."""
    files = ("--json", "--plots", "--log", "--markdown")
    kept, skip = [], False
    for argument in arguments:
        if not skip and not argument.startswith((*files, "--append")):
            kept.append(argument)
        skip = argument in files
    return kept


def main(arguments=None):
    options = parse(arguments)
    for results in measured(options):  # Written after each part: a run is long.
        if options.json:
            pathlib.Path(options.json).write_text(json.dumps(results, indent=1) + "\n")
        text = report.markdown(results)
        if options.markdown:
            pathlib.Path(options.markdown).write_text(text)
        if options.plots:
            from benchmarks import plots

            plots.draw(results, options.plots)
    print(text)
    return results


if __name__ == "__main__":
    main()
