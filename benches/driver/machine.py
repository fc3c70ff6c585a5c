"""What the measurements ran on."""

import os
import platform
import subprocess
import sys
from pathlib import Path


def describe(processors: list[int], build: Path) -> list[str]:
    """Lines about the machine, the system and the revision."""
    return [
        f"processor: {_processor()}, {len(processors)} of {os.cpu_count()} processors ({', '.join(map(str, processors))})",
        f"memory: {os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        f"system: {platform.system()} {platform.release()}, Python {sys.version.split()[0]}",
        f"rustc: {_first_line(['rustc', '--version'])}; revision {_revision()}; binary {build.name}",
    ]


def _processor() -> str:
    facts = dict(line.split(":", 1) for line in Path("/proc/cpuinfo").read_text().splitlines() if ":" in line)
    facts = {key.strip(): value.strip() for key, value in facts.items()}
    features = [name for name in ("avx2", "fma", "avx512f") if name in facts.get("flags", "").split()]
    family = f"family {facts.get('cpu family', '?')} model {facts.get('model', '?')}"
    return f"{facts.get('model name', platform.machine())} ({family}; {' '.join(features)})"


def _revision() -> str:
    changed = " with changes" if _first_line(["git", "status", "--porcelain", "-uno"]) else ""
    return _first_line(["git", "rev-parse", "--short", "HEAD"]) + changed


def _first_line(command: list[str]) -> str:
    try:
        output = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parent).stdout
    except OSError:
        return "unknown"
    return next(iter(output.splitlines()), "")
