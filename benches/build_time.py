#!/usr/bin/env python3
"""Measures what a network costs its user's build, against the number of its layers, and prints a table.

    benches/build_time.py

A crate with nothing but one network is written for each depth; its dependencies are built before the clock starts.
`check` is what an editor waits for (dev profile: expansion and type check), `build` and `release` make a program. Beside the time
on the clock stands the processors' time, which what else the machine does changes little.
Writes the table to `build_time.md` in `--out`.
"""

import argparse
import os
import shutil
import subprocess
import time
from pathlib import Path
from statistics import median

from driver import machine, tables

ROOT = Path(__file__).resolve().parent.parent
DEPTHS = [0, 1, 2, 5, 10, 20, 50, 100, 200]
COMMANDS = {"check": ["check"], "build": ["build"], "release": ["build", "--release"]}

MANIFEST = """\
[package]
name = "layers"
version = "0.0.0"
edition = "2024"

[dependencies]
nn = {{ path = "{root}", default-features = false }}

[workspace]
"""

NETWORK = """\
nn::network! {{
    pub network Layers {{
        input  x: [64];
        target y: [64];

        block layer(x) {{
            x + 0.1 * (x >> dense(64) >> relu)
        }}

        fitted = x >> repeat({depth}, layer);
        output    values = fitted;
        loss      mse(fitted, y);
        optimizer sgd(learning_rate = 0.01);
    }}
}}

fn main() -> nn::Result<()> {{
    let network = Layers::new(&nn::Device::cpu(), 0)?;
    println!("{{}}", network.predict(&[[0.5; 64]])?[0][0]);
    Ok(())
}}
"""


def main() -> None:
    options = arguments()
    crate = options.out / "layers"
    (crate / "src").mkdir(parents=True, exist_ok=True)
    (crate / "Cargo.toml").write_text(MANIFEST.format(root=ROOT))
    shutil.copy(ROOT / "Cargo.lock", crate)
    environment = {**os.environ, "CARGO_TARGET_DIR": str(options.out / "layers-target"), "CARGO_INCREMENTAL": "0"}

    def cost(source: str, command: list[str]) -> str:
        """On the clock, and of the processors."""
        clocks, processors = [], []
        for round_number in range(options.rounds):
            (crate / "src/main.rs").write_text(f"{source}// {round_number}\n")
            clock, before = time.monotonic(), os.times()
            subprocess.run(["cargo", *command, "--quiet"], cwd=crate, env=environment, check=True)
            clocks.append(time.monotonic() - clock)
            after = os.times()
            processors.append(
                after.children_user + after.children_system - before.children_user - before.children_system
            )
        return " / ".join(tables.time(1e3 * median(times)) for times in (clocks, processors))

    rows = []
    for depth in options.depths:
        source = NETWORK.format(depth=depth) if depth else "fn main() {}\n"
        if not rows:
            for command in COMMANDS.values():  # the dependencies
                cost(source, command)
        took = [cost(source, command) for command in COMMANDS.values()]
        rows.append([f"{depth}" if depth else "no network", *took])
        print(*rows[-1], sep="\t", flush=True)
    lines = machine.describe(sorted(os.sched_getaffinity(0)), crate)
    text = "\n".join(f"- {line}" for line in lines) + "\n\n" + tables.markdown(["layers", *COMMANDS], rows) + "\n"
    (options.out / "build_time.md").write_text(text)
    print(text)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--depths", type=int, nargs="+", default=DEPTHS)
    parser.add_argument("--out", type=Path, default=target / "benches")
    return parser.parse_args()


if __name__ == "__main__":
    main()
