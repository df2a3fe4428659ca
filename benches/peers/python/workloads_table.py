"""Markdown tables from lines of results. Usage: workloads_table.py FILE.jsonl"""

import json
import sys

UNITS = {
    "W0": ("normals alone", "ns per normal"),
    "W1": ("ULA, 8 Gaussians, 2-D", "ns per chain-step"),
    "W2": ("ULA, 16 Gaussians, 64-D", "ns per chain-step"),
    "W3": ("BAOAB, 8 Gaussians, 2-D", "ns per chain-step"),
    "W4": ("ULA, logistic regression, 31-D", "ns per chain-step"),
    "W5": ("DDPM, 1,797 digits, 64-D", "ns per chain-step"),
    "W6": ("a unit of simulated time at a bias of 1 %", "ns per chain and unit of time"),
    "W7": ("steps of a scheduler alone", "ns per number and step"),
}
OURS, HAND = "langevin", "by hand"


def number(value):
    return f"{value:.0f}" if value >= 1000 else f"{value:.3g}"


def table(columns, rows):
    print("| " + " | ".join(columns) + " |")
    print("|" + "---|" * len(columns))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()


def details(workload, lines):
    title, unit = UNITS[workload.split()[0]]
    print(f"**{workload}**: {title}, {unit}\n")
    rows = []
    for line in lines:
        base = next(other for other in lines if other["precision"] == line["precision"])
        ratio = [line["cpu"][key] / base["cpu"][key] for key in ("median", "fastest")]
        name = " ".join([line["peer"], *([f"({line['variant']})"] if line["variant"] else [])])
        rows.append([
            name, line["precision"], number(line["cpu"]["median"]), number(line["cpu"]["fastest"]),
            *(f"{r:.2f}" for r in ratio),
        ])
    table(["program", "", "median", "fastest", "over the first", "fastest over"], rows)


def summary(found):
    """Ours, the fastest peer and the fastest loop by hand, by the fastest turns."""
    rows = []
    for workload, lines in found.items():
        for precision in ("f64", "f32"):
            of = [line for line in lines if line["precision"] == precision]
            peers = [line for line in of if line["peer"] not in (OURS, HAND)]
            if not of or not peers:
                continue
            speed = lambda line: line["cpu"]["fastest"]
            ours = min((line for line in of if line["peer"] == OURS), key=speed)
            row = [workload, precision, number(speed(ours))]
            best = min(peers, key=speed)
            row += [f"{best['peer']} {best['variant']}", number(speed(best))]
            row.append(f"{speed(best) / speed(ours):.2f}")
            # The loop by hand with the same noise, if there is one.
            hand = [line for line in of if line["peer"] == HAND and "our" in line["variant"]]
            row.append(f"{speed(ours) / speed(hand[0]):.2f}" if hand else "-")
            rows.append(row)
    columns = ["workload", "", "langevin", "fastest peer", "its time", "over ours"]
    table([*columns, "ours over the loop by hand"], rows)


def main():
    lines = [json.loads(line) for line in open(sys.argv[1])]
    found = {}
    for line in lines:
        found.setdefault(line["workload"], []).append(line)
    summary(found)
    for workload, of in found.items():
        details(workload, of)
    turns = sorted({line["turns"] for line in lines})
    print(f"Processor time on one core. All programs of a workload alternate, {turns[0]} to")
    print(f"{turns[-1]} turns each; those who take seconds have fewer. The first table has the")
    print("fastest turn of each. `over the first` is the time over that of the first program of the")
    print("same precision, by medians and by fastest turns: above 1 the first is faster.")


main()
