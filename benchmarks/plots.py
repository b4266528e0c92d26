"""Growth, and ratios, drawn with matplotlib."""

import pathlib


def draw(results, folder):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for along in dict.fromkeys(r["along"] for r in results.get("growth", [])):
        figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4))
        for row in (r for r in results["growth"] if r["along"] == along):
            label = f"{row['case']}, {row['time_exponent']:.2f}"
            left.loglog(row["sizes"], row["kit_ms"], "o-", label=label)
            right.loglog(row["sizes"], [max(m or 0, 1e-3) for m in row["kit_mib"]], "o-")
        left.set(xlabel=along, ylabel="ms")
        left.legend(title="loss, fitted exponent", fontsize="small")
        right.set(xlabel=along, ylabel="peak MiB")
        figure.tight_layout()
        figure.savefig(folder / f"growth_{along.replace(' ', '_')}.png", dpi=120)
        plt.close(figure)
    rows = [r for r in results.get("losses", []) if r.get("peer") not in (None, "floor", "hand")]
    for engine in dict.fromkeys(r["engine"] for r in rows):
        mine = [r for r in rows if r["engine"] == engine and "ratio" in r]
        mine.sort(key=lambda r: r["ratio"])
        figure, axis = plt.subplots(figsize=(8, 1 + 0.22 * len(mine)))
        for i, row in enumerate(mine):
            axis.plot([row["low"], row["high"]], [i, i], color="tab:blue")
            axis.plot(row["ratio"], i, "o", color="tab:blue")
        axis.axvline(1.0, color="black", linewidth=0.8)
        names = [f"{r['case']} / {r['peer']}" for r in mine]
        axis.set(xscale="log", xlabel="time, kit / peer", title=engine)
        axis.set_yticks(range(len(mine)), names, fontsize=7)
        axis.set_ylim(-1, len(mine))
        figure.tight_layout()
        figure.savefig(folder / f"ratios_{engine}.png", dpi=120)
        plt.close(figure)
