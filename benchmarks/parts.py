"""The parts of a run; each returns rows, plain dicts, for the JSON file and the tables."""

import dataclasses
import functools
import math
import statistics
import sys

from benchmarks import cases, combined, measure
from benchmarks.engines import BACKENDS
from benchmarks.pool import Failed

AGREES = 1e-3  # Relative; backends and versions sum in different orders.


def say(text):
    print(text, file=sys.stderr, flush=True)


class Bench:
    """Asks the workers; what is common to every part."""

    def __init__(self, pool, rounds, seconds, tiny, launches=1):
        self.pool, self.rounds, self.seconds, self.tiny = pool, rounds, seconds, tiny
        self.launches = launches

    def time(self, where):
        """`{key: Timing}` of what was prepared; `where` maps a key to its worker."""

        def run(key, repeat):
            return self.pool.ask(where[key], do="run", key=key, repeat=repeat)["ms"]

        return measure.interleave(run, list(where), self.rounds, self.seconds)

    def memory(self, where):
        return {
            key: self.pool.ask(worker, do="memory", key=key)["mib"]
            for key, worker in where.items()
        }

    def drop(self, where):
        for worker in set(where.values()):
            self.pool.ask(worker, do="drop")

    def over_launches(self, jobs):
        """The rows of all `jobs`, each `{key: function that measures its rows once}`.

        Each launch does all in new processes. What comes out slower, or too spread to
        say, is launched as often again, and counted with the launches before.
        """
        found = {key: [] for key in jobs}

        def launch(keys):
            jobs[next(iter(keys))]()  # The first in a process pays for what all use.
            for key in keys:
                found[key].append(jobs[key]())
            if self.launches > 1:
                self.pool.close()

        for _ in range(self.launches if jobs else 0):
            launch(jobs)
        rows = {key: together(launches) for key, launches in found.items()}
        again = [key for key in jobs if any(r.get("verdict") in UNSETTLED for r in rows[key])]
        if self.launches > 1 and again:
            for _ in range(self.launches):
                launch(again)
            rows.update((key, together(found[key])) for key in again)
        return [row for of_key in rows.values() for row in of_key]


UNSETTLED = ("slower", "spread too wide")
# Two candidates that are compiled to one program: what their times differ by is the clock's.
SAME = "the same program"


def together(launches):
    """One row of each comparison, from the rows of each launch."""
    of_peer = {}
    for row in (row for rows in launches for row in rows):
        of_peer.setdefault(row.get("peer"), []).append(row)
    return [_together(rows) for rows in of_peer.values()]


def _together(rows):
    for row in rows:
        if "error" in row:
            return row
    row = dict(rows[0])
    for key, value in row.items():
        if isinstance(value, float):
            row[key] = statistics.median(r[key] for r in rows)
    kit, peer = (
        measure.Timing([ms for r in rows for ms in r[key]]) for key in ("kit_rounds", "peer_rounds")
    )
    ratio = measure.ratio(kit, peer)
    row.update(
        kit_rounds=kit.launches,
        kit_ms=kit.median,
        peer_rounds=peer.launches,
        peer_ms=peer.median,
        launches=len(kit.launches),
        ratio=ratio.value,
        low=ratio.low,
        high=ratio.high,
        verdict=SAME if row.get("same program") else ratio.verdict,
    )
    return row


def compared(timings, kit, peer):
    """What a row keeps of two candidates' times."""
    return {"kit_rounds": timings[kit].launches, "peer_rounds": timings[peer].launches}


def losses(bench, engine, wanted):
    """Each loss next to its peers, a function by hand, and the floor."""
    every = {k: cases.tiny(c) if bench.tiny else c for k, c in cases.all_cases().items()}
    names = sorted({case.loss for case in every.values() if not case.kit})
    there = bench.pool.ask(BACKENDS[engine], do="has", losses=names)["losses"]
    jobs = {}
    for key, case in every.items():
        # Without a peer there is nothing but the floor to compare with: XLA alone.
        alone = not case.peers and engine not in ("tf-xla", "jax")
        if (case.kit or case.loss in there) and wanted(key, case) and not alone:
            jobs[key] = functools.partial(one_case, bench, engine, key, case)
    return bench.over_launches(jobs)


def one_case(bench, engine, key, case):
    say(f"{engine}: {key}")
    base = {"engine": engine, "family": case.family, "case": case.name}
    base["shape"] = list(case.shape)
    facts, where, rows = {}, {}, []
    for source in case.sources(engine):
        worker = bench.pool.where(engine, source)
        if worker is None:
            continue
        request = dict(key=source, engine=engine, case=key, source=source)
        try:
            facts[source] = bench.pool.ask(worker, do="prepare", **request, shape=case.shape)
            where[source] = worker
        except Failed as error:
            rows.append({**base, "peer": source, "error": str(error)})
            if source == "kit":
                return rows
    floor_at = where["kit"]
    n_bytes = facts["kit"]["bytes"]
    bench.pool.ask(floor_at, do="prepare_floor", key="floor", engine=engine, n_bytes=n_bytes)
    where["floor"] = floor_at
    timings = bench.time(where)
    del where["floor"]
    memory = bench.memory(where)
    for peer in [s for s in facts if s != "kit"] or ["floor"]:
        row = {**base, "peer": peer, **compared(timings, "kit", peer)}
        row.update(
            floor_ms=timings["floor"].median,
            streams=case.streams,
            far=case.far,
            kit_trace_ms=facts["kit"]["trace_ms"],
            kit_compile_ms=facts["kit"]["compile_ms"],
            kit_mib=memory["kit"],
        )
        if peer != "floor":
            row.update(
                peer_trace_ms=facts[peer]["trace_ms"],
                peer_compile_ms=facts[peer]["compile_ms"],
                peer_mib=memory[peer],
                values=[facts["kit"]["value"], facts[peer]["value"]],
                gradients=[facts["kit"]["gradient"], facts[peer]["gradient"]],
                differs=case.differs.get(peer),
                costs=case.costs.get(peer),
                other=peer in case.other,
                agrees=agree(facts["kit"], facts[peer]),
            )
        rows.append(row)
        say(f"    {timings['kit'].median / timings[peer].median:.2f} of {peer}")
    bench.drop(where)
    return rows


def agree(a, b):
    return all(
        math.isclose(a[k], b[k], rel_tol=AGREES, abs_tol=1e-6) for k in ("value", "gradient")
    )


def sums(bench, engine):
    """k terms against a function by hand."""
    jobs = {k: functools.partial(one_sum, bench, engine, k) for k in range(1, 6)}
    return bench.over_launches(jobs)


def one_sum(bench, engine, terms):
    say(f"{engine}: a sum of {terms}")
    worker = BACKENDS[engine]
    shape = (2, 16, 16, 4) if bench.tiny else cases.MAPS
    row = {"engine": engine, "terms": terms, "formula": combined.FORMULAS[:terms]}
    where = {"kit": worker, "hand": worker}
    request = dict(do="prepare_sum", engine=engine, terms=terms, shape=shape)
    try:
        facts = {s: bench.pool.ask(worker, key=s, source=s, **request) for s in where}
    except Failed as error:
        return [{**row, "error": str(error)}]
    timings = bench.time(where)
    memory = bench.memory(where)
    row.update(
        **compared(timings, "kit", "hand"),
        agrees=agree(facts["kit"], facts["hand"]),
        kit_compile_ms=facts["kit"]["trace_ms"] + facts["kit"]["compile_ms"],
        peer_compile_ms=facts["hand"]["trace_ms"] + facts["hand"]["compile_ms"],
        kit_mib=memory["kit"],
        peer_mib=memory["hand"],
    )
    say(f"    {timings['kit'].median / timings['hand'].median:.2f} of one by hand")
    bench.drop(where)
    return [row]


def watch(bench, engine):
    """What `watch` adds to the compiled program of a loss while nobody watches."""
    say(f"{engine}: watch")
    programs = bench.pool.ask(BACKENDS[engine], do="watch", engine=engine)
    if programs["plain"] is None:
        return []  # Nothing is compiled, or nothing can be looked at.
    return [{"engine": engine, **{k: sorted(v) for k, v in programs.items()}}]


# What is compared in a training step: model, size, tiny size, "kit", "peer", what it shows.
STEPS = (
    ("cnn", 32, 8, "kit", "keras", "loss"),
    ("unet", 128, 16, "kit", "keras", "loss"),
    ("transformer", 128, 8, "kit", "keras", "loss"),
    ("unet", 128, 16, "sum with metrics", "sum", "metrics of the terms"),
)


def steps(bench, backend):
    """`train_on_batch` with the kit's loss, with Keras' own, and with next to none."""
    return bench.over_launches(
        {step: functools.partial(one_step, bench, backend, *step) for step in STEPS}
    )


def one_step(bench, backend, model, size, tiny, ours, peer, shows):
    say(f"{backend}: a step of {model}, {shows}")
    size = tiny if bench.tiny else size
    row = {"backend": backend, "model": model, "size": size, "shows": shows}
    row.update(compared=f"{ours} / {peer}")
    where = {ours: backend, peer: backend, "nothing": backend}
    request = dict(do="prepare_step", engine=engine_of(backend), model=model, size=size)
    try:
        facts = {s: bench.pool.ask(backend, key=s, loss=s, **request) for s in where}
    except Failed as error:
        return [{**row, "error": str(error)}]
    timings = bench.time(where)
    row.update(
        **compared(timings, ours, peer),
        nothing_ms=timings["nothing"].median,
        kit_compile_ms=facts[ours]["compile_ms"],
        peer_compile_ms=facts[peer]["compile_ms"],
    )
    say(f"    {timings[ours].median / timings[peer].median:.2f} of {peer}")
    bench.drop(where)
    return [row]


def engine_of(backend):
    return next(engine for engine, of in BACKENDS.items() if of == backend)


@dataclasses.dataclass(frozen=True)
class Grown:
    """What grows of a case, to which sizes: axes of its shape, which count together, or an
    option of its loss."""

    case: str
    along: str
    sizes: tuple
    axes: tuple = ()
    option: str = ""

    def count(self, size):
        return size ** max(len(self.axes), 1)

    def request(self, case, size):
        """What is prepared of it."""
        shape = [size if axis in self.axes else n for axis, n in enumerate(case.shape)]
        return {"shape": shape, **({"options": {self.option: size}} if self.option else {})}


def _grown():
    batch, points = "batch", "points of a set"
    pixels, edges = {"axes": (1, 2)}, (32, 64, 128, 256, 512)
    pairs = (256, 512, 1024, 2048, 4096)
    lists = (50, 100, 200, 400, 800)
    voxels = {"axes": (1, 2, 3)}
    return (
        Grown("regression/Huber", batch, (2**12, 2**14, 2**16, 2**18, 2**20), (0,)),
        Grown(
            "segmentation/CategoricalFocalCrossentropy (ids, logits, maps)",
            "pixels", edges, **pixels,
        ),
        Grown("segmentation/Dice (ids, logits)", "pixels", edges, **pixels),
        Grown("segmentation/LovaszSoftmax", "pixels", edges[:4], **pixels),
        Grown("segmentation/HausdorffDistance", "pixels", edges[:4], **pixels),
        Grown(
            "classification/CategoricalCrossentropy (ids, logits)",
            "classes", (100, 300, 1000, 3000, 10000), (1,),
        ),
        Grown("metric learning/TripletSemiHard (B=512)", batch, pairs, (0,)),
        Grown("metric learning/TripletAll", batch, pairs, (0,)),
        Grown("metric learning/LiftedStructure", batch, pairs, (0,)),
        Grown("metric learning/MultiSimilarity", batch, pairs, (0,)),
        Grown("ranking/PairwiseLogistic", "list length", lists, (1,)),
        Grown("ranking/ApproxNDCG", "list length", lists, (1,)),
        Grown("ranking/ListMLE", "list length", lists, (1,)),
        Grown("ranking/LambdaNDCG", "list length", lists, (1,)),
        Grown("distributions/EnsembleCRPS", "members", (4, 8, 16, 32, 64), (1,)),
        Grown("survival/CoxPartialLikelihood", batch, (2**10, 2**12, 2**14, 2**16), (0,)),
        Grown("survival/DeepHit", batch, (256, 512, 1024, 2048), (0,)),
        Grown("transport/Chamfer", points, (64, 128, 256, 512, 1024), (1,)),
        Grown("transport/Sinkhorn", points, (64, 128, 256, 512), (1,)),
        Grown("sequences/SoftDTW", "length of both", (32, 64, 128, 256), (1,)),
        Grown("restoration/SSIM", "pixels", edges[:4], **pixels),
        Grown("restoration/SSIM", "window", (3, 7, 11, 23, 47), option="filter_size"),
        Grown("restoration/MultiScaleSSIM", "pixels", (192, 256, 384, 512), **pixels),
        Grown("restoration/FocalFrequency", "pixels", edges[:4], **pixels),
        Grown(
            "registration/LocalNormalizedCrossCorrelation", "voxels", (16, 32, 64, 96), **voxels
        ),
        Grown(
            "registration/LocalNormalizedCrossCorrelation",
            "window", (3, 5, 9, 17, 33), option="window",
        ),
        Grown("registration/MutualInformation", "voxels", (16, 32, 64, 96), **voxels),
        Grown("registration/MutualInformation", "bins", (8, 16, 32, 64), option="bins"),
        Grown("audio/MultiResolutionSTFT", "samples", (4000, 8000, 16000, 32000, 64000), (1,)),
        Grown("audio/PermutationInvariant (of SISDR)", "sources", (2, 3, 4, 5, 6), (1,)),
    )


GROWTH = _grown()


def growth(bench, engine, wanted):
    """Time and memory of the kit's loss against one size, and the fitted exponents."""
    rows, every = [], cases.all_cases()
    worker = BACKENDS[engine]
    there = bench.pool.ask(worker, do="has", losses=[every[g.case].loss for g in GROWTH])["losses"]
    for grown in GROWTH:
        case, along = every[grown.case], grown.along
        if case.loss not in there or not wanted(grown.case, case):
            continue
        say(f"{engine}: {grown.case} against {along}")
        row = {"engine": engine, "family": case.family, "case": case.name, "along": along}
        sizes = grown.sizes[:2] if bench.tiny else grown.sizes
        counts, ms, mib = [], [], []
        for size in (sizes[0], *sizes):  # The first in a new process takes what any one would.
            request = dict(key="kit", engine=engine, case=grown.case, source="kit")
            request.update(grown.request(case, size))
            first = bench.pool.ask(worker, do="prepare", **request)["first_mib"]
            ms.append(bench.time({"kit": worker})["kit"].median)
            mib.append(first or bench.memory({"kit": worker})["kit"])
            counts.append(grown.count(size))
            bench.drop({"kit": worker})
        del counts[0], ms[0], mib[0]
        bench.pool.restart(worker)  # What it holds would hide what the next one takes.
        row.update(sizes=counts, kit_ms=ms, kit_mib=mib)
        row["time_exponent"] = measure.fitted_exponent(counts, ms)
        # Below a MiB the high water tells nothing, and with compiling below a few hundred.
        enough = 300 if first else 1
        if all(m is not None and m >= enough for m in mib[len(mib) // 2 :]):
            row["memory_exponent"] = measure.fitted_exponent(counts, mib)
        rows.append(row)
    return rows
