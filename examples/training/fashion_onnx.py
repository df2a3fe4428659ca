"""Writes fashion-*.onnx from fashion-*.safetensors.

    python fashion_onnx.py FOLDER
"""
import pathlib, sys
import torch
from safetensors.torch import load_file
from fashion import Features, UNet

folder = pathlib.Path(sys.argv[1])
for kind, model in (("vp", UNet(1, 1.0)), ("psld", UNet(2, 1000.0)), ("features", Features())):
    path = folder / f"fashion-{kind}.safetensors"
    if not path.exists():
        continue
    model.load_state_dict(load_file(path), strict=False)
    model.eval()
    d = 784 * (2 if kind == "psld" else 1)
    x, t, label = torch.randn(2, d), torch.full((2,), 0.5), torch.tensor([3, 10])
    args, names = ((x,), ["x"]) if kind == "features" else ((x, t, label), ["x", "t", "label"])
    torch.onnx.export(model, args, folder / f"fashion-{kind}.onnx", input_names=names, output_names=["y"], opset_version=17,
                      dynamic_axes={n: {0: "N"} for n in names + ["y"]}, dynamo=False)
    print(path.stem, "written")
