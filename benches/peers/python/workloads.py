"""Asks the programs of all peers, in turns. Usage: workloads.py PROGRAM FOLDER SECONDS W1 W3 ...

PROGRAM is ours, in Rust. Each workload gets about SECONDS in all, at least 5 and at most 15
turns of every contestant, or 2 of those who are slow. Before that all compute the positions once, which must have the law of ours:
means, covariances and squares are compared, or for W7 the numbers themselves. Whoever fails ends
the program with an error. Writes FOLDER/workloads.jsonl.
"""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np

from problems import MEANS, STD

HERE = pathlib.Path(__file__).resolve().parent
# Standard errors that a mean may be away. There are thousands of means.
ALLOWED = 6.0
# Relative difference of the numbers of W7, which are single.
CLOSE = 2e-4
TURNS = [5, 15]
# Whoever takes more seconds than this for a turn has fewer of them.
SLOW, SLOW_TURNS = 1.5, 2
# The programs in Python, and the workloads that they know.
PEERS = [
    (["workloads_numpy.py"], "W0 W1 W2 W3 W4 W5"),
    (["workloads_jax.py", "f64"], "W0 W1 W2 W3 W4"),
    (["workloads_jax.py", "f32"], "W0 W1 W2 W3 W4 W5"),
    (["workloads_torch.py"], "W0 W1 W2 W3 W4 W5 W7"),
]


class Program:
    """A program that answers a line with a line. It starts when it is first asked."""

    def __init__(self, command, workloads):
        self.name = " ".join(command[-2:])
        self.command = command
        self.workloads = workloads.split()
        self.process = None

    def ask(self, *words):
        if self.process is None:
            pipe = subprocess.PIPE
            self.process = subprocess.Popen(self.command, stdin=pipe, stdout=pipe, text=True)
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        reply = self.process.stdout.readline()
        if not reply:
            sys.exit(f"{self.name} ended at `{' '.join(map(str, words))}`; its error is above")
        return json.loads(reply)


def statistics(workload, x):
    """Functions of a position whose means are compared: coordinates, products, squares."""
    columns = [x]
    away = x - x.mean(0)
    columns += [away[:, j:] * away[:, j, None] for j in range(x.shape[1])]
    columns.append((away**2).sum(1, keepdims=True))
    if workload in MEANS:
        # The width of a Gaussian shows in the distance to the nearest mean.
        square = ((x[:, None, :] - MEANS[workload]()) ** 2).sum(-1)
        columns.append(square.min(1, keepdims=True) / STD**2)
    return np.hstack(columns)


def moments(workload, x):
    """Means of the statistics, and the squares of their standard errors."""
    values = statistics(workload, x)
    return values.mean(0), values.var(0) / len(values)


def away(ours, other):
    """The largest distance of a mean, in standard errors. Infinite if a number is not finite."""
    if len(ours[0]) != len(other[0]) or not np.isfinite(other[0]).all():
        return np.inf
    return float((np.abs(ours[0] - other[0]) / np.sqrt(ours[1] + other[1])).max())


def check(workload, everyone, folder):
    """Compares the positions of all contestants with those of the first, which is ours."""
    ours, lines = {}, []
    for number, (program, place, contestant) in enumerate(everyone):
        path = folder / f"positions-{number}.npy"
        if not program.ask("save", place, path)["saved"]:
            continue
        x = np.load(path)
        path.unlink()
        of = contestant["workload"]
        if workload == "W7":
            base = ours.setdefault(of, x)
            distance = float(np.abs(x - base).max() / np.abs(base).max())
            allowed, unit = CLOSE, "relative"
        else:
            means = moments(workload, x)
            distance = away(ours.setdefault(of, means), means)
            allowed, unit = ALLOWED, "standard errors"
        name = " ".join(contestant[key] for key in ("peer", "variant", "precision"))
        print(f"  {of}: {name}: {distance:.2g} {unit} from ours", file=sys.stderr)
        if not distance <= allowed:
            lines.append(f"{of}: {name} computes something else: {distance:.3g} {unit}")
    if lines:
        sys.exit("\n".join(lines))


def measure(everyone, seconds):
    """Seconds of each contestant by turns, in the order of the contestants."""
    def turn(contestant):
        program, place, _ = contestant
        return program.ask("turn", place)

    # The first round, which warms up, says how many there can be.
    first = [turn(contestant) for contestant in everyone]
    cost = sum(of["wall"] for of in first if of["cpu"] <= SLOW)
    rounds = int(np.clip(seconds / max(cost, 1e-3), *TURNS))
    times = [[] for _ in everyone]
    for number in range(rounds):
        for contestant, warm, own in zip(everyone, first, times):
            if number < SLOW_TURNS or warm["cpu"] <= SLOW:
                own.append(turn(contestant))
    return times


def main():
    program, folder, seconds, *workloads = sys.argv[1:]
    folder = pathlib.Path(folder)
    if hasattr(os, "sched_setaffinity"):
        core = int(os.environ.get("CORE", max(os.sched_getaffinity(0))))
        os.sched_setaffinity(0, {core})
    programs = [Program([program], " ".join(workloads))]
    if not os.environ.get("OURS"):
        programs += [
            Program([sys.executable, str(HERE / words[0]), *words[1:]], known)
            for words, known in PEERS
        ]
    with open(folder / "workloads.jsonl", "w") as out:
        for workload in workloads:
            everyone = [
                (program, place, contestant)
                for program in programs
                if workload in program.workloads
                for place, contestant in enumerate(program.ask("list", workload))
            ]
            print(f"{workload}: {len(everyone)} contestants", file=sys.stderr)
            check(workload, everyone, folder)
            for (_, _, contestant), turns in zip(everyone, measure(everyone, float(seconds))):
                units = contestant["units"]
                for clock in ("cpu", "wall"):
                    times = [1e9 * turn[clock] / units for turn in turns]
                    contestant[clock] = {
                        "fastest": min(times), "median": float(np.median(times)),
                    }
                contestant["turns"] = len(turns)
                out.write(json.dumps(contestant) + "\n")
            out.flush()
    for program in filter(lambda program: program.process, programs):
        program.process.stdin.close()
        program.process.wait()


if __name__ == "__main__":
    main()
