"""Options that all measuring programs have."""

import argparse
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
HOME = Path(os.environ.get("PEERS_HOME", Path.home() / ".cache/nn-peers"))

FIRST_STEPS = 0  # the programs' own choice: about four seconds of steps


def parser(description: str) -> argparse.ArgumentParser:
    """With everything that is common to them."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--rounds", type=int, default=5)
    add("--processors", type=int, nargs="+", default=sorted(os.sched_getaffinity(0)), help="where everything runs")
    add("--under", default="", metavar="COMMAND", help="what to start every program with, such as `nice -n -10`")
    add("--limit", type=float, default=300.0, metavar="SECONDS", help="what a process may take")
    add("--bench", type=Path, default=TARGET / "release/examples/bench", help="this project's binary")
    add("--peers", type=Path, default=ROOT.parent / "shared/peers", help="the peers' programs")
    add("--peers-home", type=Path, default=HOME, help="what was built of the peers")
    add("--out", type=Path, default=TARGET / "benches", help="where results are written")
    return parser


def parse(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Reads them, and makes sure that there is something to measure."""
    options = parser.parse_args()
    if not options.bench.exists():
        parser.error(f"there is no {options.bench}: run `cargo build --release --example bench`")
    options.out.mkdir(parents=True, exist_ok=True)
    return options
