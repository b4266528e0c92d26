"""The tables, in Markdown."""

from benchmarks import native

ENGINES = {
    "tf-xla": "TensorFlow XLA",
    "tf-graph": "TensorFlow graph",
    "jax": "JAX jit",
    "torch": "torch eager",
    "torch-compile": "torch.compile",
}
PEERS = {
    "keras": "Keras",
    "hand": "by hand",
    "tfa": "tensorflow-addons",
    "sm": "segmentation-models",
    "focal_loss": "focal-loss",
    "tfr": "tensorflow-ranking",
    "tfsim": "tensorflow-similarity",
    "keras of p/Σp": "Keras, given p/Σp",
    "tfa of p/Σp": "tensorflow-addons, given p/Σp",
    "sm of p/Σp": "segmentation-models, given p/Σp",
    "tfr of softmax(y)": "tensorflow-ranking, given softmax(y)",
    "tf of the peers": "the peers' TensorFlow",
    "tf": "TensorFlow",
    "floor": "(none)",
    **{name: name for name in native.MODULES},
    "pml": "pytorch-metric-learning",
    "smp": "segmentation-models-pytorch",
}
NOT_PEERS = ("floor", "hand", "tf of the peers")


def number(x, digits=3):
    if x is None:
        return "-"
    if x == 0 or abs(x) >= 100:
        return f"{x:.0f}"
    return f"{x:.{digits}g}"


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def ratio(row):
    return f"{row['ratio']:.2f} ({row['low']:.2f} to {row['high']:.2f})"


def verdict(row):
    return f"**{row['verdict']}**" if row["verdict"] == "slower" else row["verdict"]


def loss_table(rows):
    head = ("loss", "peer", "kit ms", "peer ms", "kit / peer", "", "floor ms", "kit / floor")
    head += ("trace + compile ms", "peak MiB")
    cells = []
    for row in rows:
        if "error" in row:
            cells.append((row["case"], PEERS.get(row["peer"]), "-", "does not run", *"------"))
            continue
        alone = row["peer"] == "floor"
        kit_build = number(row["kit_trace_ms"] + row["kit_compile_ms"])
        peer_build = "-" if alone else number(row["peer_trace_ms"] + row["peer_compile_ms"])
        cells.append(
            (
                row["case"],
                PEERS[row["peer"]],
                number(row["kit_ms"]),
                "-" if alone else number(row["peer_ms"]),
                "-" if alone else ratio(row),
                "-" if alone else verdict(row),
                number(row["floor_ms"]),
                number(row["kit_ms"] / row["floor_ms"], 2),
                f"{kit_build} / {peer_build}",
                f"{number(row['kit_mib'], 2)} / {number(row.get('peer_mib'), 2)}",
            )
        )
    return table(head, cells)


def differences(rows):
    """Where the values of a peer are others, once for each loss and peer."""
    lines = {}
    for row in rows:
        if row.get("agrees") is False:
            (value, its_value), (slope, its_slope) = row["values"], row["gradients"]
            why = row["differs"] or "**not expected**"
            lines.setdefault(
                (row["case"], row["peer"]),
                f"- {row['case']}, {PEERS[row['peer']]}: {number(its_value, 5)}, gradient "
                f"{number(its_slope, 4)}, where the kit has {number(value, 5)} and "
                f"{number(slope, 4)}: {why}.",
            )
    return "\n".join(lines.values())


def reasons(rows):
    """Why the kit is slower where it is."""
    lines = {}
    for row in rows:
        if row.get("verdict") == "slower" and row["peer"] not in NOT_PEERS:
            why = row.get("costs") or "not explained"
            lines.setdefault((row["case"], row["peer"], why), []).append(
                f"{ENGINES[row['engine']]} {row['ratio']:.2f}"
            )
    return "\n".join(
        f"- {case}, {PEERS[peer]} ({'; '.join(ratios)}): {why}."
        for (case, peer, why), ratios in lines.items()
    )


FAR = 8  # Times the floor; nearer is near enough.


def far_from_the_floor(rows):
    """Why elementwise losses under XLA take longer than a few passes over their bytes."""
    rows = [r for r in rows if r["engine"] == "tf-xla" and "ratio" in r]
    empty = {tuple(r["shape"]): r for r in rows if r["family"] == "calling"}
    lines = {}
    for row in rows:
        floors = row["kit_ms"] / row["floor_ms"]
        if row["streams"] and floors > FAR:
            why = row["far"] or "not explained"
            nothing = empty.get(tuple(row["shape"]))
            if nothing and not row["far"]:
                beyond = (row["kit_ms"] - nothing["kit_ms"]) / row["floor_ms"]
                told = (
                    f"an empty step takes {number(nothing['kit_ms'])} of its "
                    f"{number(row['kit_ms'])} ms; beyond it, {beyond:.1f} floors"
                )
                why = told if beyond <= FAR else f"{told}: {why}"
            lines[row["case"]] = f"- {row['case']}, {floors:.1f} floors: {why}."
    return "\n".join(lines.values())


def watch_table(rows):
    return table(
        ("engine", "operations without", "with `watch`", ""),
        [
            (
                ENGINES[r["engine"]],
                len(r["plain"]),
                len(r["watched"]),
                "the same" if r["plain"] == r["watched"] else "**others**",
            )
            for r in rows
        ],
    )


def failures(rows):
    lines = {}
    for row in rows:
        if "error" in row:
            who = PEERS.get(row["peer"], "the kit")
            lines[f"- {row['case']}, {who}, {ENGINES[row['engine']]}: {row['error'][:120]}"] = None
    return "\n".join(lines)


def summary(rows):
    """How many are slower beyond their spread, and which."""
    real = [r for r in rows if "ratio" in r and r["peer"] not in NOT_PEERS]
    lines = []
    for engine in dict.fromkeys(r["engine"] for r in real):
        mine = [r for r in real if r["engine"] == engine]
        same = [r for r in mine if not r.get("other")]
        other = [r for r in mine if r.get("other")]
        lines.append(f"- {ENGINES[engine]}: of {len(same)} comparisons with a peer {tally(same)}.")
        if other:
            lines.append(
                f"  Of {len(other)} with a peer whose function is another and cheaper, "
                f"{tally(other)}."
            )
    return "\n".join(lines)


def tally(rows):
    count = {v: sum(r["verdict"] == v for r in rows) for v in
             ("faster", "level", "slower", "spread too wide")}
    slow = [f"{r['case']} / {PEERS[r['peer']]} {r['ratio']:.2f}"
            for r in rows if r["verdict"] == "slower"]
    return (
        f"{count['faster']} faster, {count['level']} level, {count['slower']} slower"
        + (f" ({'; '.join(slow)})" if slow else "")
        + f", {count['spread too wide']} with too wide a spread"
    )


def sums_table(rows):
    head = ("engine", "terms", "kit ms", "by hand ms", "kit / by hand", "", "trace + compile ms")
    head += ("peak MiB", "values")
    return table(
        head,
        [
            (
                ENGINES[r["engine"]],
                r["terms"],
                number(r["kit_ms"]),
                number(r["peer_ms"]),
                ratio(r),
                verdict(r),
                f"{number(r['kit_compile_ms'])} / {number(r['peer_compile_ms'])}",
                f"{number(r['kit_mib'], 2)} / {number(r['peer_mib'], 2)}",
                "agree" if r["agrees"] else "**differ**",
            )
            if "error" not in r
            else (ENGINES[r["engine"]], r["terms"], "-", "-", "does not run", *"----")
            for r in rows
        ],
    )


WHY_SUMS = (
    "In TensorFlow's graph every term goes back to the logits by itself, where the function by "
    "hand adds up first and goes back once; compiled by XLA in TensorFlow, both are one."
)


def sums_part(rows):
    graph = [r for r in rows if r["engine"] == "tf-graph"]
    slower = any(r.get("verdict") == "slower" for r in graph)
    return sums_table(rows) + (f"\n\n{WHY_SUMS}" if slower else "")


def not_measured(results):
    """Says which engines are left out."""
    there = {r["engine"] for rows in results.values() if isinstance(rows, list) for r in rows
             if "engine" in r}
    missing = [name for engine, name in ENGINES.items() if engine not in there]
    return [f"Not measured: {', '.join(missing)}.", ""] if missing else []


def steps_table(rows):
    head = ("backend", "model", "compared", "ms", "ms", "ratio", "", "share of the loss")
    return table(
        head,
        [
            (
                r["backend"],
                f"{r['model']} {r['size']}",
                r["compared"],
                number(r["kit_ms"]),
                number(r["peer_ms"]),
                ratio(r),
                verdict(r),
                " / ".join(
                    f"{100 * (1 - r['nothing_ms'] / r[who]):.0f} %" for who in ("kit_ms", "peer_ms")
                ),
            )
            if "error" not in r
            else (r["backend"], r["model"], r["compared"], "-", "-", r["error"], "-", "-")
            for r in rows
        ],
    )


def growth_table(rows):
    head = ("loss", "against", "sizes", "ms", "time ~ size^", "peak MiB", "memory ~ size^")

    def several(values, digits=3):
        return ", ".join(number(v, digits) for v in values)

    return table(
        head,
        [
            (
                r["case"],
                r["along"],
                several(r["sizes"]),
                several(r["kit_ms"]),
                f"{r['time_exponent']:.2f}",
                several(r["kit_mib"], 2),
                f"{r['memory_exponent']:.2f}" if "memory_exponent" in r else "-",
            )
            for r in rows
        ],
    )


HOW_TO_READ = """\
A step is value and gradient of the mean loss, compiled as `fit` compiles it. Candidates are run in
turn, A B A B, in the opposite order every other round, those of the peers' environment included:
each process is asked in turn. Those of one process share their inputs, for where these lie in
memory alone makes 10 % of difference. All of it is launched several times, in new processes, of
which each runs its first loss once unmeasured; and what then is slower, or too spread to say, as
often again. Times are medians, over launches of a launch's median; a ratio is the geometric mean of
the launches', with its 95 % interval in brackets (of one launch, from its rounds). "slower" and
"faster" mean that the interval excludes 1, "level" that it does not, and "spread too wide" that it
holds 1 and spans more than a factor of 1.5, so that the ratio means nothing. The floor is the time
of a memory copy that moves the bytes that a loss must move: targets and predictions read once, the
gradient written once. Pairs `a / b` are kit / peer. Peak memory is the high water of the process
above what it held before the step; TensorFlow keeps what it frees, so that there it is known for
the first step alone, with what compiling takes (some 100 MiB), and given under growth only. The
gradient of a difference is its Euclidean length. tensorflow-addons, segmentation-models,
focal-loss, tensorflow-ranking and tensorflow-similarity run on the last TensorFlow that they
support, in an environment of their own; Keras runs in the kit's. A peer "given p/Σp" or "given
softmax(y)" computes what the kit does: its step includes what the kit does itself. An empty step is
the mean of y·p. Of comparisons that are level one in forty comes out "slower" by chance."""


def markdown(results):
    about = results["about"]
    versions = ", ".join(f"{k} {v}" for k, v in about["versions"].items())
    peers = ", ".join(f"{k} {v}" for k, v in about["peer_versions"].items())
    parts = ["# Benchmarks", "", "<!-- Written by `python -m benchmarks`; do not edit. -->", ""]
    parts += [
        f"{about['date']}. {about['machine']}; load average {about['load'][0]} at the start, "
        f"{about['load'][1]} at the end.",
        f"Versions: {versions}." + (f" Peers: {peers}." if peers else ""),
        "",
        *(f"    {command}" for command in about["commands"]),
        "",
        *not_measured(results),
        HOW_TO_READ,
        "",
    ]
    rows = results.get("losses", [])
    if rows:
        parts += ["## In short", "", summary(rows), ""]
        for engine in dict.fromkeys(r["engine"] for r in rows):
            parts += [f"## Losses, {ENGINES[engine]}", ""]
            mine = [r for r in rows if r["engine"] == engine]
            for family in dict.fromkeys(r["family"] for r in mine):
                of = [r for r in mine if r["family"] == family]
                parts += [f"### {family.capitalize()}", "", loss_table(of), ""]
        for title, text in (
            ("Why it is slower where it is", reasons(rows)),
            (f"Elementwise under XLA, further than {FAR} floors", far_from_the_floor(rows)),
            ("Where values differ", differences(rows)),
            ("What does not run", failures(rows)),
        ):
            if text:
                parts += [f"## {title}", "", text, ""]
    for name, title, render in (
        ("sums", "Combined losses against one function by hand", sums_part),
        ("steps", "A whole training step", steps_table),
        ("growth", "Growth", growth_table),
        ("watch", "The compiled program with `watch`, while nobody watches", watch_table),
    ):
        if results.get(name):
            parts += [f"## {title}", "", render(results[name]), ""]
    parts += [
        "## Accelerators",
        "",
        "The JAX and torch engines run on a GPU where one is found, timed there by "
        "`block_until_ready` and CUDA events. Not measured yet.",
        "",
    ]
    return "\n".join(parts)
