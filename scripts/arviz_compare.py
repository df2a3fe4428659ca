"""Compares a store of draws, read by ArviZ, with what the example `draws` has printed.

Usage: arviz_compare.py STORE PRINTED. See arviz.sh. If PRINTED ends in .json it is the report of the
program, and ArviZ's own summary is compared with the one in it. ArviZ below 1 cannot read version 3 of the Zarr format
itself, so xarray reads it there.
"""

import json
import pathlib
import sys
import warnings

import arviz
import numpy
import xarray

TOLERANCE = 1e-10


def opened(store):
    """The store as ArviZ takes it."""
    if hasattr(arviz, "convert_to_datatree"):
        return arviz.convert_to_datatree(str(store))
    return arviz.from_datatree(xarray.open_datatree(store, engine="zarr"))


def printed(path):
    """The numbers of each line of the table: mean, sd, ess_bulk, r_hat."""
    rows = (line.split() for line in pathlib.Path(path).read_text().splitlines())
    return {row[0]: [float(x) for x in row[1:]] for row in rows if len(row) == 5 and row[0] != "name"}


def number(result, name):
    """What a function of ArviZ says about a variable, as an array."""
    return numpy.asarray(result[name])


def found(dataset):
    """The same table from ArviZ."""
    ess, r_hat = (f(dataset) for f in (arviz.ess, arviz.rhat))
    table = {}
    for name, values in dataset.data_vars.items():
        flat = values.stack(sample=("chain", "draw"))
        columns = [flat.mean("sample"), flat.std("sample", ddof=1), number(ess, name), number(r_hat, name)]
        columns = [numpy.atleast_1d(numpy.asarray(column)) for column in columns]
        for i, row in enumerate(zip(*columns)):
            table[name if values.ndim == 2 else f"{name}[{i}]"] = list(map(float, row))
    return table


def check_contents(store, tree):
    """Names, axes, attributes, and the same positions as in the .npy file."""
    posterior, stats = tree["posterior"], tree["sample_stats"]
    positions = numpy.load(store.with_suffix(".npy"))
    description = json.loads(store.with_suffix(".json").read_text())
    assert posterior["mu"].dims == ("chain", "draw")
    assert posterior["theta"].dims == ("chain", "draw", "theta_dim_0")
    assert numpy.array_equal(posterior["mu"], positions[:, :, 0])
    assert numpy.array_equal(posterior["theta"], positions[:, :, 1:])
    assert numpy.array_equal(posterior["chain"], description["chains"])
    assert numpy.array_equal(stats["step"], description["steps"])
    assert stats["diverging"].dtype == bool and not stats["diverging"].values.any()
    kinetic = (stats["momentum"] ** 2).sum("momentum_dim_0") / 2
    assert numpy.allclose(stats["energy"], kinetic - stats["lp"], rtol=0, atol=TOLERANCE)
    for name, value in description["attributes"].items():
        assert posterior.attrs[name] == value, name


def compare_summary(tree, report):
    """The columns that both summaries have, and the quantiles."""
    parameters = json.loads(report.read_text())["summary"]["parameters"]
    table = arviz.summary(tree, round_to="none", kind="all")
    columns = ["mean", "sd", "mcse_mean", "mcse_sd", "ess_bulk", "ess_tail", "r_hat"]
    assert list(table.index) == [parameter["name"] for parameter in parameters], table.index
    pairs = [(float(table[c][p["name"]]), p[c]) for p in parameters for c in columns]
    posterior = tree["posterior"]
    for parameter in parameters:
        name, _, index = parameter["name"].rstrip("]").partition("[")
        values = posterior[name].values if not index else posterior[name].values[:, :, int(index)]
        quantiles = numpy.quantile(values, [0.05, 0.5, 0.95])
        pairs += zip(quantiles, [parameter[q] for q in ("q5", "q50", "q95")])
    worst = max(abs(a - b) / max(1, abs(b)) for a, b in pairs)
    print(f"ArviZ {arviz.__version__}: {len(pairs)} numbers of its summary, largest relative difference {worst:.1e}")
    if not worst <= TOLERANCE:
        sys.exit(f"{table}\n{parameters}")


def main():
    store = pathlib.Path(sys.argv[1])
    # No message of xarray or zarr about the store may pass unseen.
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for group in ("posterior", "sample_stats"):
            xarray.open_zarr(store, group=group).load()
    tree = opened(store)
    if sys.argv[2].endswith(".json"):
        return compare_summary(tree, pathlib.Path(sys.argv[2]))
    check_contents(store, tree)
    stats = tree["sample_stats"]
    table = found(tree["posterior"].to_dataset() if hasattr(tree["posterior"], "to_dataset") else tree["posterior"])
    table |= found(xarray.Dataset({name: stats[name] for name in ("lp", "energy")}))
    expected = printed(sys.argv[2])
    assert table.keys() == expected.keys(), (table.keys(), expected.keys())
    worst = max(abs(a - b) / max(1, abs(b)) for name in table for a, b in zip(table[name], expected[name]))
    print(f"ArviZ {arviz.__version__}: {len(table)} names, largest relative difference {worst:.1e}")
    if not worst <= TOLERANCE:
        sys.exit(f"{table}\n{expected}")


main()
