"""Checks ONNX files of networks against what the networks themselves predict: `onnx.checker`, then ONNX Runtime.

    NN_ONNX_FOLDER=target/onnx cargo test -p nn-tests --features onnx --test onnx
    pip install onnx onnxruntime safetensors
    python tests/onnx/check.py target/onnx

A folder has a file `<network>.onnx` and a file `<network>.safetensors` with tensors `input/<name>` and `output/<number>/<name>`.
"""

import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from safetensors.numpy import load_file

TOLERANCE = 1e-5


def check(path):
    onnx.checker.check_model(str(path), full_check=True)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    tensors = load_file(path.with_suffix(".safetensors"))
    expected = {k: v for k, v in tensors.items() if k.startswith("output/")}
    expected = [expected[k] for k in sorted(expected, key=lambda k: int(k.split("/")[1]))]
    samples = len(expected[0])
    worst = 0.0
    # All samples at once, then the first one alone: the batch is open.
    for count in (samples, 1):
        feeds = {}
        for wanted in session.get_inputs():
            assert wanted.shape[0] == "batch", wanted.shape
            values = tensors[f"input/{wanted.name}"][:count]
            feeds[wanted.name] = values.astype(np.int64) if wanted.type == "tensor(int64)" else values
        results = session.run(None, feeds)
        assert len(results) == len(expected)
        for output, ours, theirs in zip(session.get_outputs(), expected, results):
            assert theirs.shape == ours[:count].shape, (output.name, theirs.shape, ours.shape)
            assert theirs.size and np.isfinite(theirs).all(), output.name
            error = np.abs(theirs - ours[:count]) / max(1.0, np.abs(ours).max())
            assert error.max() <= TOLERANCE, f"{output.name}: {error.max()}"
            worst = max(worst, float(error.max()))
    operations = sorted({node.op_type for node in onnx.load(str(path)).graph.node})
    print(f"{path.stem}: {len(expected)} outputs, off by at most {worst:.1e}; {', '.join(operations)}")


paths = sorted(Path(sys.argv[1]).glob("*.onnx"))
assert paths, f"no ONNX files in {sys.argv[1]}"
failed = 0
for path in paths:
    try:
        check(path)
    except Exception as error:
        failed += 1
        print(f"{path.stem}: FAILED: {error}")
print(f"{len(paths) - failed} of {len(paths)} networks agree")
sys.exit(failed > 0)
