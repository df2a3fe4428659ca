"""A Markdown table from lines of results. Usage: posterior_table.py FILE.jsonl"""

import json
import statistics
import sys

COLUMNS = [
    "target", "method", "ESS", "gradients/ESS", "ms/ESS", "ms/ESS, sampling", "ratio",
    "mean error", "sd error", "R-hat", "says",
]
OURS = "langevin"


def median(runs, value):
    """The median over the runs, or None if one of them has no value."""
    values = [value(run) for run in runs]
    return None if None in values else statistics.median(values)


def per(name):
    return lambda run: run[name] / run["ess"] if run[name] is not None and run["ess"] else None


def number(value, digits=3):
    if value is None:
        return "-"
    return f"{value:.0f}" if value >= 1000 else f"{value:.{digits}g}"


def says(runs):
    """What a method says of its own draws: a verdict, or the divergences of a seed."""
    if runs[0]["verdict"] is not None:
        verdicts = [" ".join(run["verdict"].split()[:8]).split(" after")[0] for run in runs]
        return ", ".join(f"{verdicts.count(v)} {v}" for v in sorted(set(verdicts)))
    return f"{number(median(runs, lambda run: run['divergences']))} divergences"


def table(columns, rows):
    print("| " + " | ".join(columns) + " |")
    print("|" + "---|" * len(columns))
    for row in rows:
        print("| " + " | ".join(row) + " |")


def main():
    lines = [json.loads(line) for line in open(sys.argv[1])]
    runs = {}
    for line in lines:
        runs.setdefault(line["target"], {}).setdefault(line["method"], []).append(line)
    rows, fastest = [], []
    for target, methods in runs.items():
        seconds = {method: median(of, per("seconds")) for method, of in methods.items()}
        ours = seconds.get(OURS)
        for method, of in methods.items():
            sampling = median(of, per("sampling"))
            rows.append([
                target + (" (hard)" if of[0]["hard"] else ""),
                method,
                number(median(of, lambda run: run["ess"])),
                number(median(of, per("gradients"))),
                number(seconds[method] and 1e3 * seconds[method]),
                number(sampling and 1e3 * sampling),
                number(seconds[method] and ours and seconds[method] / ours),
                number(median(of, lambda run: run["mean_error"]), 2),
                number(median(of, lambda run: run["sd_error"]), 2),
                number(median(of, lambda run: run["r_hat"]), 4),
                says(of),
            ])
        peers = {m: s for m, s in seconds.items() if s and not m.startswith(OURS)}
        if ours and peers:
            best = min(peers, key=peers.get)
            fastest.append([target, best, number(peers[best] / ours)])
    table(COLUMNS, rows)
    print()
    table(["target", "fastest peer", "its seconds per ESS over ours"], fastest)
    seeds = sorted({line["seed"] for line in lines})
    print(f"\nMedians over the seeds {', '.join(map(str, seeds))}. ratio: seconds per effective")
    print("sample, with the warm-up, over ours; above 1 we are faster. ESS, R-hat and the errors")
    print("are those of the worst coordinate, errors in standard deviations. -: not told, or a run")
    print("failed. hard: no method is right, and the point is to say so.")


main()
