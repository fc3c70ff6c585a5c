#!/usr/bin/env python3
"""Measures how time and memory of a training step grow with batch, width and depth, and prints tables.

    cargo build --release --example bench --features nn-examples/sizes
    benches/scaling.py

Memory is what the process grew by, beside what the network's plan and the data promise. Writes every line measured to
`scaling.jsonl` in `--out`, and the tables to `scaling.md`.
"""

import argparse
import json
import sys

from driver import machine, tables
from driver import options as common
from driver.process import measure

BATCHES = [1, 4, 16, 64, 256, 1024, 4096]
LARGEST = {"resnet": 1024}  # beyond it, activations take gigabytes
WIDTHS = [16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192]
DEPTHS = [1, 2, 5, 10, 20, 50, 100, 200]
# Memory below this is mostly the program itself.
WORTH_COMPARING_MB = 50.0


def main() -> None:
    options = arguments()
    with (options.out / "scaling.jsonl").open("w") as raw:
        def measured(name: str, batch: int | None = None) -> dict | None:
            return best(options, name, batch, raw)

        parts = ["\n".join(f"- {line}" for line in machine.describe(options.processors, options.bench))]
        for workload in options.workloads:
            sizes = [batch for batch in BATCHES if batch <= LARGEST.get(workload, BATCHES[-1])]
            rows = [(batch, measured(workload, batch)) for batch in sizes]
            parts.append(f"### `{workload}` against the batch\n\n" + table("batch", rows, "sample"))
        if not options.no_sizes:
            rows = [(width, measured(f"width-{width}")) for width in WIDTHS]
            parts.append("### `wide` against its width, batch 256\n\n" + table("width", rows, "unit"))
            rows = [(depth, measured(f"depth-{depth}")) for depth in DEPTHS]
            parts.append("### Layers of 64 against their number, batch 64\n\n" + table("layers", rows, "layer"))
    text = "\n\n".join(parts) + "\n"
    (options.out / "scaling.md").write_text(text)
    print(text)


def arguments() -> argparse.Namespace:
    parser = common.parser(__doc__)
    parser.set_defaults(rounds=3)
    parser.add_argument("--seconds", type=float, default=1.0, help="of timed steps for each process, about")
    parser.add_argument("--workloads", nargs="*", default=["curve", "mlp", "cnn", "resnet", "wide"], metavar="WORKLOAD")
    parser.add_argument("--no-sizes", action="store_true", help="leave out width and depth")
    parser.add_argument("--device", choices=["cpu", "gpu"], default="cpu")
    return common.parse(parser)


def best(options: argparse.Namespace, name: str, batch: int | None, raw) -> dict | None:
    """The run of the rounds whose time is their median."""
    command = [*options.under.split(), str(options.bench), name, "--device", options.device]
    command += ["--batch", str(batch)] if batch else []
    environment = {"NN_DEVICE": options.device}
    lines, steps = [], 1
    for round_number in range(options.rounds + 1):
        line = measure([*command, "--steps", str(steps)], environment, options.processors, options.limit)
        print(json.dumps({"round": round_number, "case": name, **line}), file=raw, flush=True)
        if "error" in line:
            print(f"{name} {batch or ''}: {line['error']}", file=sys.stderr)
            return None
        # The first run only shows what a step costs.
        if steps > 1:
            lines.append(line)
        steps = max(3, int(options.seconds * 1e3 / line["ms_per_step_median"]))
    return sorted(lines, key=lambda line: line["ms_per_step_median"])[len(lines) // 2]


def table(size: str, rows: list[tuple[int, dict | None]], share: str) -> str:
    """A row for each size: the time, its part for one of `size`, and memory."""
    cells = []
    for count, line in rows:
        if line is None:
            cells.append([f"{count:,}", *["does not run"] * 5])
            continue
        step, planned, growth = line["ms_per_step_median"], line["planned_mb"], line["growth_mb"]
        ratio = tables.number(growth / planned) if planned > WORTH_COMPARING_MB else ""
        memory = [tables.number(planned), tables.number(growth), ratio]
        cells.append([f"{count:,}", tables.time(step), tables.time(step / count), *memory])
    header = [size, "a step", f"per {share}", "planned MB", "grown by MB", "ratio"]
    return tables.markdown(header, cells)


if __name__ == "__main__":
    main()
