"""Stores the weights of ONNX files as f16, which halves the files. The graph casts them back to f32
when it is loaded, so it computes in f32 with rounded weights.

    python half_onnx.py FROM.onnx TO.onnx

Needs onnx and numpy.
"""

import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def half(model):
    graph = model.graph
    casts = []
    for tensor in list(graph.initializer):
        if tensor.data_type != TensorProto.FLOAT:
            continue
        numbers = numpy_helper.to_array(tensor)
        if numbers.size < 64:
            continue
        small = numpy_helper.from_array(numbers.astype(np.float16), tensor.name + ".f16")
        graph.initializer.remove(tensor)
        graph.initializer.append(small)
        casts.append(
            helper.make_node("Cast", [small.name], [tensor.name], to=TensorProto.FLOAT)
        )
    for node in reversed(casts):
        graph.node.insert(0, node)
    onnx.checker.check_model(model)
    return model


if __name__ == "__main__":
    source, target = sys.argv[1:]
    onnx.save(half(onnx.load(source)), target)
