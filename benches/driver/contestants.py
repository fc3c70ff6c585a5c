"""Who is measured, and how each of them is started.

The peers' programs take `WORKLOAD STEPS`, print one line of JSON and lie outside of this repository; those that are not
there are left out, each with a line that says so.
"""

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

# Our name of a workload (with `-inference` for one sample at a time): what the peers call it.
CASES = {
    "curve": "w1",
    "mlp": "w2",
    "cnn": "w3",
    "resnet": "w6",
    "lstm": "w5",
    "gpt": "gpt",
    "wide": "w4",
    "curve-inference": "w1i",
    "mlp-inference": "w2i",
    "cnn-inference": "w3i",
}
# What our own twin of a workload has, where the peers' program has none.
TWINS = {"gpt": Path(__file__).parents[1] / "torch_gpt.py"}
PEERS_CASES = set(CASES) - set(TWINS)
TFJS_CASES = {"curve", "mlp", "curve-inference", "mlp-inference", "cnn-inference"}
MEGANEURA_CASES = {"curve", "mlp", "curve-inference", "mlp-inference"}


@dataclass
class Contestant:
    """A program to measure."""

    name: str
    command: list[str]
    gpu: bool = False
    environment: dict[str, str] = field(default_factory=dict)
    cases: set[str] = field(default_factory=lambda: set(PEERS_CASES))
    ours: bool = False
    twins: dict[str, list[str]] = field(default_factory=dict)  # other programs for some cases

    def arguments(self, case: str, steps: int) -> list[str]:
        """The whole command."""
        if not self.ours:
            return [*self.twins.get(case, self.command), CASES[case], str(steps)]
        workload, _, inference = case.partition("-")
        options = ["--device", "gpu" if self.gpu else "cpu", "--steps", str(steps)]
        return [*self.command, workload, *options, *(["--inference"] if inference else [])]


def ours(binary: Path) -> list[Contestant]:
    """This project, on both kinds of devices."""
    commands = {"command": [str(binary)], "cases": set(CASES), "ours": True}
    return [Contestant("nn", **commands), Contestant("nn gpu", gpu=True, environment={"NN_DEVICE": "gpu"}, **commands)]


def peers(programs: Path, home: Path) -> tuple[list[Contestant], list[str]]:
    """The peers whose programs (`programs`) and builds (`home`) are there; and a line for each of the others."""
    python = home / "venv/bin/python"
    release = home / "target/release"
    node = Path(shutil.which("node") or "node")
    tfjs = home / "tfjs/bench.js"
    torch, jax = programs / "torch/bench.py", programs / "jax/bench.py"
    burn, candle, meganeura = (release / f"bench-{name}" for name in ("burn", "candle", "meganeura"))
    # Burn's two backends may be one program, or two: with both in it, each takes the other's memory, too.
    wgpu = release / "bench-burn-wgpu"
    burn_wgpu = wgpu if wgpu.exists() else burn
    known = [
        ([python, torch], Contestant("PyTorch eager", [], environment={"PEERS_MODE": "eager"})),
        ([python, torch], Contestant("PyTorch compiled", [], environment={"PEERS_MODE": "compile"})),
        ([python, jax], Contestant("JAX", [], environment={"JAX_PLATFORMS": "cpu", "TF_CPP_MIN_LOG_LEVEL": "3"})),
        ([burn], Contestant("burn flex", [], environment={"PEERS_BACKEND": "flex"})),
        ([candle], Contestant("candle", [])),
        ([node, tfjs], Contestant("TensorFlow.js", [], environment={"PEERS_BACKEND": "wasm"}, cases=TFJS_CASES)),
        ([meganeura], Contestant("meganeura", [], gpu=True, cases=MEGANEURA_CASES)),
        ([burn_wgpu], Contestant("burn wgpu", [], gpu=True, environment={"PEERS_BACKEND": "wgsl"})),
    ]
    found, absent = [], []
    for files, contestant in known:
        missing = [file for file in files if not os.path.exists(file)]
        if missing:
            absent.append(f"skipped: {contestant.name}: there is no {missing[0]}")
        else:
            contestant.command = [str(file) for file in files]
            if contestant.name.startswith("PyTorch"):
                contestant.twins = {case: [str(python), str(twin)] for case, twin in TWINS.items()}
                contestant.cases = set(CASES)
            found.append(contestant)
    return found, absent
