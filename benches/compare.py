#!/usr/bin/env python3
"""Measures this project beside other frameworks, interleaved, and prints one table of ratios.

    cargo build --release --example bench
    benches/compare.py --rounds 5

In each round, every contestant runs every workload once, in a process of its own, on the same processors; so whatever
else the machine does hits all of them alike. A process warms up for a second and then times about `--seconds` of steps.
A ratio is another contestant's time over ours in the same round; the table has the median over the rounds, with the
smallest and the largest. The peers' programs are looked for in `--peers` (`../shared/peers` beside this repository),
what was built of them in `--peers-home`; see the README there. Those that are absent are left out.

Writes every line measured to `raw.jsonl` in `--out`, and all tables to `table.md`.
"""

import argparse
import json
import sys
from collections import defaultdict
from contextlib import nullcontext
from statistics import median

from driver import machine, tables
from driver import options as common
from driver.contestants import CASES, Contestant, ours, peers
from driver.process import empty_caches, measure


def main() -> None:
    options = arguments()
    found, absent = peers(options.peers, options.peers_home)
    contestants = [c for c in ours(options.bench) + found if c.gpu == options.gpu]
    if options.only:
        contestants = [c for c in contestants if c.ours or c.name in options.only]
    print(*absent, sep="\n", file=sys.stderr)

    with (options.out / "raw.jsonl").open("w") as raw:
        lines = run(contestants, options, raw)
    text = report(contestants, lines, options)
    (options.out / "table.md").write_text(text)
    print(text)


def arguments() -> argparse.Namespace:
    parser = common.parser(__doc__)
    parser.add_argument("--seconds", type=float, default=2.0, help="of timed steps for each process, about")
    parser.add_argument("--workloads", nargs="+", choices=CASES, default=list(CASES), metavar="WORKLOAD")
    parser.add_argument("--only", nargs="+", metavar="PEER", help="these peers alone, by their names in the table")
    parser.add_argument("--gpu", action="store_true", help="on the GPU (or its software stand-in), not on the CPU")
    parser.add_argument("--empty-caches", action="store_true", help="of what was compiled, for each process: for first steps")
    return common.parse(parser)


Lines = dict[tuple[str, str], list[dict | None]]


def run(contestants: list[Contestant], options: argparse.Namespace, raw) -> Lines:
    """All rounds. Whoever fails once is not asked again; of a round without a result there is None."""
    lines: Lines = defaultdict(list)
    steps: dict[tuple[str, str], int] = {}
    for round_number in range(1, options.rounds + 1):
        for case in options.workloads:
            for contestant in (c for c in contestants if case in c.cases):
                key = (contestant.name, case)
                if None in lines[key]:
                    continue
                command = [*options.under.split(), *contestant.arguments(case, steps.get(key, common.FIRST_STEPS))]
                with empty_caches() if options.empty_caches else nullcontext({}) as caches:
                    environment = {**contestant.environment, **caches}
                    line = measure(command, environment, options.processors, options.limit)
                line = {"round": round_number, "contestant": contestant.name, "case": case, **line}
                print(json.dumps(line), file=raw, flush=True)
                if "error" in line:
                    print(f"{contestant.name}, {case}: {line['error']}", file=sys.stderr)
                    lines[key].append(None)
                    continue
                lines[key].append(line)
                steps.setdefault(key, max(10, int(options.seconds * 1e3 / line["ms_per_step_median"])))
                print(f"round {round_number}: {case}, {contestant.name}: {tables.time(line['ms_per_step_median'])}", file=sys.stderr)
    return lines


def report(contestants: list[Contestant], lines: Lines, options: argparse.Namespace) -> str:
    """All tables, as markdown."""
    reference = next(c.name for c in contestants if c.ours)
    cases = options.workloads

    def values(contestant: str, case: str, key: str) -> list[float]:
        return [line[key] for line in lines[contestant, case] if line and line.get(key) is not None]

    def ratios(contestant: str, case: str) -> list[float]:
        pairs = zip(lines[reference, case], lines[contestant, case])
        return [b["ms_per_step_median"] / a["ms_per_step_median"] for a, b in pairs if a and b]

    def table(cell) -> str:
        names = [c.name for c in contestants if any(lines[c.name, case] for case in cases)]
        rows = [[name, *(cell(name, case) or "–" for case in cases)] for name in names]
        return tables.markdown(["", *cases], rows)

    def each(key: str, text, choose=tables.spread):
        return table(lambda name, case: (found := values(name, case, key)) and choose(found, text))

    def largest(found: list[float], text) -> str:
        return text(max(found))

    def leanest() -> str:
        row = []
        for case in cases:
            peaks = {c.name: max(found) for c in contestants if (found := values(c.name, case, "peak_rss_mb"))}
            others = [(peak, name) for name, peak in peaks.items() if name != reference]
            row.append(f"{min(others)[0] / peaks[reference]:.2f} ({min(others)[1]})" if others and reference in peaks else "–")
        return "\n| " + " | ".join([f"leanest peer over {reference}", *row]) + " |"

    def fastest() -> str:
        rows = []
        for case in cases:
            others = [(median(ratios(c.name, case)), c.name) for c in contestants if not c.ours and ratios(c.name, case)]
            if others:
                rows.append([case, min(others)[1], tables.spread(ratios(min(others)[1], case))])
        return tables.markdown(["", "fastest peer", f"its time over {reference}'s"], rows)

    def first_steps() -> str:
        # Other programs call it `cold_ms`; their `first_step_ms` begins when their libraries are loaded.
        def cell(name: str, case: str) -> str:
            key = "first_step_ms" if name == reference else "cold_ms"
            return (found := values(name, case, key)) and tables.spread(found, tables.time)

        return table(cell)

    everything = [line for key in lines for line in lines[key] if line]
    disturbed = sum(line["others"] > 0.1 for line in everything)
    versions = sorted({f"{line['contestant']} {line['version']}" for line in everything if "version" in line})
    adapters = sorted({line["adapter"] for line in everything if "adapter" in line})
    return "\n\n".join([
        "\n".join(f"- {line}" for line in [
            *machine.describe(options.processors, options.bench),
            f"device: {', '.join(adapters)}",
            f"versions: {', '.join(versions) or 'no peers'}",
            f"caches on disk: {'empty for each process' if options.empty_caches else 'as earlier processes left them'}",
            f"{options.rounds} interleaved rounds; in {disturbed} of {len(everything)} processes, others used more than 0.1 processors",
        ]),
        f"### Time over {reference}'s: median of the rounds (smallest to largest)",
        table(lambda name, case: (found := ratios(name, case)) and tables.spread(found)),
        "### Against the fastest",
        fastest(),
        "### Time of a step",
        each("ms_per_step_median", tables.time),
        "### Peak memory of the process, MB",
        each("peak_rss_mb", tables.number, largest) + leanest(),
        "### From the start of the process to the end of its first step",
        first_steps(),
    ]) + "\n"


if __name__ == "__main__":
    main()
