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
        verdicts = [run["verdict"] for run in runs]
        return ", ".join(f"{verdicts.count(v)} {v}" for v in sorted(set(verdicts)))
    return f"{number(median(runs, lambda run: run['divergences']))} divergences"


def main():
    lines = [json.loads(line) for line in open(sys.argv[1])]
    targets = list(dict.fromkeys(line["target"] for line in lines))
    print("| " + " | ".join(COLUMNS) + " |")
    print("|" + "---|" * len(COLUMNS))
    for target in targets:
        here = [line for line in lines if line["target"] == target]
        ours = median([line for line in here if line["method"] == OURS], per("seconds"))
        for method in dict.fromkeys(line["method"] for line in here):
            runs = [line for line in here if line["method"] == method]
            seconds, sampling = median(runs, per("seconds")), median(runs, per("sampling"))
            row = [
                target + (" (hard)" if runs[0]["hard"] else ""),
                method,
                number(median(runs, lambda run: run["ess"])),
                number(median(runs, per("gradients"))),
                number(seconds and 1e3 * seconds),
                number(sampling and 1e3 * sampling),
                number(seconds and ours and seconds / ours),
                number(median(runs, lambda run: run["mean_error"]), 2),
                number(median(runs, lambda run: run["sd_error"]), 2),
                number(median(runs, lambda run: run["r_hat"]), 4),
                says(runs),
            ]
            print("| " + " | ".join(row) + " |")
    seeds = sorted({line["seed"] for line in lines})
    print(f"\nMedians over the seeds {', '.join(map(str, seeds))}. ratio: seconds per effective")
    print("sample, with the warm-up, over ours; above 1 we are faster. ESS, R-hat and the errors")
    print("are those of the worst coordinate, errors in standard deviations. hard: no method is")
    print("right, and the point is to say so. Long runs are not better here by themselves: the")
    print("warm-up is shared by more draws.")


main()
