"""Writes a network of docs/network-format.md as an ONNX file, and the small files of tests/onnx.rs.

    pip install onnx onnxruntime numpy safetensors
    python export_onnx.py                          everything in ../../tests/golden/onnx
    python export_onnx.py IN.safetensors OUT.onnx [--label K]

Opset 17. Inputs: x, (N, d) f32, and t, (N) f32, the number that the network is told of the time. Output: (N, m) f32. ONNX
has no place for the label, so its row of the table (the last one, of no label, unless --label says otherwise) goes into the
bias of the condition. The embedding of t is computed in f64, as cosines of hundreds of radians need.
"""
import argparse
import json
import pathlib
import struct

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file

HERE = pathlib.Path(__file__).resolve().parent
GOLDEN = HERE.parent.parent / "tests" / "golden"


def read(path):
    """The tensors of a file, and its description."""
    raw = pathlib.Path(path).read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    description = json.loads(raw[8:8 + length])["__metadata__"]["model"]
    return load_file(path), json.loads(description)


class Graph:
    """Nodes and constants in the order they are made."""

    def __init__(self):
        self.nodes, self.constants, self.names = [], [], {}

    def constant(self, name, value):
        if name not in self.names:
            self.names[name] = name
            self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, op, inputs, **attributes):
        name = f"{op.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
        return name


class Export:
    def __init__(self, tensors, description, label=None):
        self.tensors, self.description, self.graph = tensors, description, Graph()
        self.row, self.c = None, None
        if "labels" in description:
            table = tensors[description["labels"]["table"] + ".weight"]
            self.row = table[-1 if label is None else label]
        elif label is not None:
            raise SystemExit("the network has no labels")

    def gemm(self, h, name):
        weight = self.graph.constant(f"{name}.weight", self.tensors[f"{name}.weight"])
        bias = self.graph.constant(f"{name}.bias", self.tensors[f"{name}.bias"])
        return self.graph.node("Gemm", [h, weight, bias], transB=1)

    def silu(self, h):
        return self.graph.node("Mul", [h, self.graph.node("Sigmoid", [h])])

    def layers(self, h, layers):
        for layer in layers:
            if layer == "silu":
                h = self.silu(h)
            elif "linear" in layer:
                h = self.gemm(h, layer["linear"])
            elif "condition" in layer:
                h = self.graph.node("Add", [h, self.gemm(self.c, layer["condition"])])
            elif "norm" in layer:
                name = layer["norm"]
                inputs = [self.graph.constant(f"{name}.{part}", self.tensors[f"{name}.{part}"]) for part in ("weight", "bias")]
                h = self.graph.node("LayerNormalization", [h] + inputs, axis=-1, epsilon=layer["epsilon"])
            else:
                h = self.graph.node("Add", [h, self.layers(h, layer["residual"])])
        return h

    def embedding(self, time):
        """[cos(rate_j t), ..., sin(rate_j t), ...], f64 inside."""
        if time["embedding"] == "sinusoidal":
            half = time["width"] // 2
            rates = time["scale"] * time["max_period"] ** (-np.arange(half) / half)
        else:
            rates = 2 * np.pi * self.tensors[time["frequencies"]].astype(np.float64)
        column = self.graph.node("Unsqueeze", ["t", self.graph.constant("axis", np.array([1], dtype=np.int64))])
        wide = self.graph.node("Cast", [column], to=TensorProto.DOUBLE)
        angle = self.graph.node("Mul", [wide, self.graph.constant("rates", rates.reshape(1, -1))])
        parts = [self.graph.node(op, [angle]) for op in ("Cos", "Sin")]
        narrow = [self.graph.node("Cast", [part], to=TensorProto.FLOAT) for part in parts]
        return self.graph.node("Concat", narrow, axis=1)

    def model(self):
        if "time" in self.description:
            self.c = self.layers(self.embedding(self.description["time"]), self.description.get("condition", []))
            if self.row is not None:
                self.c = self.graph.node("Add", [self.c, self.graph.constant("label", self.row.reshape(1, -1))])
        out = self.layers("x", self.description["layers"])
        width = len(self.tensors[self.description["layers"][-1]["linear"] + ".bias"])
        inputs = [("x", ["N", self.description["input"]])]
        if "time" in self.description:
            inputs.append(("t", ["N"]))
        return model(self.graph.nodes, inputs, [(out, ["N", width])], self.graph.constants)


def model(nodes, inputs, outputs, constants=(), kind=TensorProto.FLOAT):
    """A checked model; shapes are lists of numbers and names."""
    values = [[helper.make_tensor_value_info(name, kind, shape) for name, shape in some] for some in (inputs, outputs)]
    graph = helper.make_graph(nodes, "network", *values, initializer=list(constants))
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="export_onnx.py")
    made.ir_version = 8
    return made


def export(source, target, label=None):
    made = Export(*read(source), label).model()
    onnx.checker.check_model(made, full_check=True)
    onnx.save(made, target)
    print(f"{target}: {pathlib.Path(target).stat().st_size} bytes, {len(made.graph.node)} nodes")


def small():
    """Files of a few hundred bytes: one that says x / (1 + t) in another order and a fixed batch, and what must be refused."""
    node = helper.make_node
    scale = [node("Add", ["when", "one"], ["s"]), node("Unsqueeze", ["s", "axis"], ["c"]), node("Div", ["what", "c"], ["y"])]
    constants = [numpy_helper.from_array(np.array(1, dtype=np.float32), "one"),
                 numpy_helper.from_array(np.array([1], dtype=np.int64), "axis")]
    mean = [node("ReduceMean", ["x"], ["m"], axes=[0], keepdims=1), node("Sub", ["x", "m"], ["d"]),
            node("Unsqueeze", ["t", "axis"], ["c"]), node("Mul", ["d", "c"], ["e"]), node("Add", ["e", "x"], ["y"])]
    wide = [node("Concat", ["x", "x"], ["y"], axis=1)]
    x, t, y = ("x", ["N", 3]), ("t", ["N"]), ("y", ["N", 3])
    same = [node("Identity", ["x"], ["y"])]
    files = {
        "fixed-batch": model(scale, [("when", [5]), ("what", [5, 3])], [("y", [5, 3])], constants),
        "features": model(wide, [x], [("y", ["N", 6])]),
        # Every row minus the mean of the batch.
        "rows-mixed": model(mean, [x, t], [y], constants[1:]),
        "bad/mixed-fixed-batch": model(mean, [("x", [5, 3]), ("t", [5])], [("y", [5, 3])], constants[1:]),
        "bad/three-inputs": model(same, [x, t, ("label", ["N"])], [y]),
        "bad/two-outputs": model(same + [node("Neg", ["x"], ["z"])], [x, t], [y, ("z", ["N", 3])]),
        "bad/no-output": model(same, [x, t], [("elsewhere", ["N", 3])]),
        "bad/wide-output": model(wide, [x, t], [("y", ["N", 6])]),
        "bad/double": model(same, [x, t], [y], kind=TensorProto.DOUBLE),
        "bad/half": model(same, [x, t], [y], kind=TensorProto.FLOAT16),
        "bad/any-width": model(same, [("x", ["N", "d"]), t], [("y", ["N", "d"])]),
        "bad/nan": model([node("Mul", ["x", "nan"], ["y"])], [x, t], [y],
                         [numpy_helper.from_array(np.array(np.nan, dtype=np.float32), "nan")]),
        "bad/two-batches": model(same, [("x", [5, 3]), ("t", [7])], [("y", [5, 3])]),
        "bad/unknown-op": model([node("Transmogrify", ["x"], ["y"])], [x, t], [y]),
        "bad/unresolved": model([node("NonZero", ["x"], ["n"]), node("Cast", ["n"], ["y"], to=TensorProto.FLOAT)],
                                [x, t], [("y", [2, "found"])]),
        "bad/misfit": model([node("MatMul", ["x", "w"], ["y"])], [x, t], [y],
                            [numpy_helper.from_array(np.ones((4, 3), dtype=np.float32), "w")]),
    }
    files |= kinds() | conditions()
    for name, made in files.items():
        (GOLDEN / "onnx" / f"{name}.onnx").write_bytes(made.SerializeToString())


def kinds():
    """Graphs of all kinds of inputs: y = x + t + 100 label."""
    node = helper.make_node

    def made(shape, kind, form, label=None, outputs=1):
        axes = numpy_helper.from_array(np.arange(1, len(shape), dtype=np.int64), "axes")
        constants, nodes = [axes], [node("Cast", ["t"], ["f"], to=TensorProto.FLOAT)]
        time = "f"
        if form == ["N"]:
            nodes.append(node("Unsqueeze", ["f", "axes"], ["u"]))
            time = "u"
        nodes.append(node("Add", ["x", time], ["a"]))
        inputs = [("x", shape, TensorProto.FLOAT), ("t", form, kind)]
        last = "a"
        if label is not None:
            constants.append(numpy_helper.from_array(np.array(100, dtype=np.float32), "hundred"))
            nodes += [node("Cast", ["label"], ["l"], to=TensorProto.FLOAT), node("Mul", ["l", "hundred"], ["h"]),
                      node("Unsqueeze", ["h", "axes"], ["w"]), node("Add", ["a", "w"], ["b"])]
            inputs.append(("label", ["N"], label))
            last = "b"
        nodes.append(node("Concat", [last] * outputs, ["y"], axis=1))
        values = [helper.make_tensor_value_info(name, kind, shape) for name, shape, kind in inputs]
        y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [shape[0], shape[1] * outputs, *shape[2:]])
        graph = helper.make_graph(nodes, "network", values, [y], initializer=constants)
        whole = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="export_onnx.py")
        whole.ir_version = 8
        return whole

    described = made(["N", 3], TensorProto.FLOAT, ["N"], TensorProto.INT64)
    entry = described.metadata_props.add()
    entry.key = "langevin"
    entry.value = json.dumps({"prediction": "epsilon", "process": {"kind": "vp", "schedule": "linear", "levels": 1000},
                              "time": {"input": "timestep"}, "labels": {"name": "label", "classes": 5}})
    return {
        "picture": made(["N", 2, 2, 3], TensorProto.INT64, ["N"], TensorProto.INT32),
        "scalar": made(["N", 3], TensorProto.DOUBLE, []),
        "single": made(["N", 3], TensorProto.INT32, [1]),
        "column": made(["N", 3], TensorProto.FLOAT, ["N", 1]),
        "one-row": made([1, 3], TensorProto.FLOAT, [1]),
        "variance": made(["N", 2, 4], TensorProto.FLOAT, ["N"], outputs=2),
        "described": described,
    }


def conditions():
    """Graphs with a condition c of six numbers for each row, or for all rows: y = x + t + 2 c[:3] + 3 c[3:]."""
    node = helper.make_node

    def made(shape, absent=None):
        constants = [numpy_helper.from_array(np.array([[2], [3]], dtype=np.float32), "w"),
                     numpy_helper.from_array(np.array([1], dtype=np.int64), "axis"),
                     numpy_helper.from_array(np.array([-1, 2, 3], dtype=np.int64), "shape")]
        nodes = [node("Unsqueeze", ["t", "axis"], ["u"]), node("Add", ["x", "u"], ["a"]),
                 node("Reshape", ["text", "shape"], ["r"]), node("Mul", ["r", "w"], ["m"]),
                 node("ReduceSum", ["m", "axis"], ["s"], keepdims=0), node("Add", ["a", "s"], ["y"])]
        rows = 5 if shape[0] == 5 else "N"
        whole = model(nodes, [("text", shape), ("x", [rows, 3]), ("t", [rows])], [("y", [rows, 3])], constants)
        entry = whole.metadata_props.add()
        entry.key = "langevin"
        text = {"name": "text"} if absent is None else {"name": "text", "absent": absent}
        entry.value = json.dumps({"prediction": "epsilon", "process": {"kind": "vp", "schedule": "linear", "levels": 1000},
                                  "time": {"input": "timestep"}, "conditions": [text]})
        return whole

    return {"condition": made(["N", 2, 3], absent=0.5), "condition-shared": made([1, 6]), "condition-fixed": made([5, 6])}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", nargs="?")
    parser.add_argument("target", nargs="?")
    parser.add_argument("--label", type=int)
    given = parser.parse_args()
    if given.source:
        if not given.target:
            parser.error("give OUT.onnx too")
        return export(given.source, given.target, given.label)
    (GOLDEN / "onnx" / "bad").mkdir(parents=True, exist_ok=True)
    export(HERE.parent / "models" / "digits.safetensors", GOLDEN / "onnx" / "digits.onnx")
    export(GOLDEN / "tiny.safetensors", GOLDEN / "onnx" / "tiny.onnx")
    export(GOLDEN / "tiny-psld.safetensors", GOLDEN / "onnx" / "tiny-psld.onnx")
    small()


if __name__ == "__main__":
    main()
