#!/usr/bin/env python3
"""Measures what a second processor brings, beside PyTorch in the same run, and prints a table.

    cargo build --release --example bench
    benches/threads.py

In each round, every program runs on one processor and then on all of them. Writes every line measured to
`threads.jsonl` in `--out`, and the table to `threads.md`.
"""

import json
import sys
from collections import defaultdict
from statistics import median

from driver import machine, tables
from driver import options as common
from driver.contestants import ours, peers
from driver.process import measure


def main() -> None:
    parser = common.parser(__doc__)
    parser.add_argument("--workloads", nargs="+", default=["wide", "resnet"], metavar="WORKLOAD")
    options = common.parse(parser)
    found, _ = peers(options.peers, options.peers_home)
    contestants = [ours(options.bench)[0], *(peer for peer in found if peer.name == "PyTorch eager")]
    sets = {"one": options.processors[:1], "all": options.processors}

    times = defaultdict(list)
    with (options.out / "threads.jsonl").open("w") as raw:
        for _ in range(options.rounds):
            for case in options.workloads:
                for contestant in contestants:
                    for name, processors in sets.items():
                        command = [*options.under.split(), *contestant.arguments(case, common.FIRST_STEPS)]
                        line = measure(command, contestant.environment, processors, options.limit)
                        line = {"contestant": contestant.name, "case": case, "processors": len(processors), **line}
                        print(json.dumps(line), file=raw, flush=True)
                        if "error" in line:
                            sys.exit(f"{contestant.name}, {case}: {line['error']}")
                        times[contestant.name, case, name].append(line["ms_per_step_median"])

    rows = []
    for case in options.workloads:
        for contestant in contestants:
            one, every = times[contestant.name, case, "one"], times[contestant.name, case, "all"]
            speedups = [a / b for a, b in zip(one, every)]
            rows.append([
                f"{case}, {contestant.name}",
                tables.time(median(one)),
                tables.time(median(every)),
                tables.spread(speedups),
            ])
    lines = machine.describe(options.processors, options.bench)
    table = tables.markdown(["", "one processor", f"{len(options.processors)} processors", "faster by"], rows)
    text = "\n".join(f"- {line}" for line in lines) + f"\n\n{table}\n"
    (options.out / "threads.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
