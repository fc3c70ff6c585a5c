"""Runs one measurement in a process of its own."""

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def empty_caches() -> Iterator[dict[str, str]]:
    """What tells a program, its libraries and its drivers to keep things in a folder that is empty and is removed afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        yield dict.fromkeys(("HOME", "XDG_CACHE_HOME", "TMPDIR"), folder)


def threads(count: int) -> dict[str, str]:
    """What tells the libraries how many threads they may use; the processors they are pinned to say the same."""
    names = ("RAYON_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "PEERS_THREADS")
    return dict.fromkeys(names, str(count))


def measure(arguments: list[str], environment: dict[str, str], processors: list[int], limit: float) -> dict:
    """The JSON line that the program prints, and how many processors others kept busy meanwhile (`others`).

    All programs run on the same processors, with as many threads as there are of them. Of one that fails there is only
    an `error`.
    """
    environment = {**os.environ, **threads(len(processors)), **environment, "PEERS_T0": str(time.time_ns())}
    busy, children, clock = _busy(), os.times(), time.monotonic()
    with tempfile.TemporaryFile("w+") as errors:
        try:
            run = subprocess.run(
                arguments,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                timeout=limit,
                env=environment,
                preexec_fn=lambda: os.sched_setaffinity(0, processors),
            )
        except subprocess.TimeoutExpired:
            return {"error": f"it took longer than {limit:.0f} s"}
        except OSError as error:
            return {"error": str(error)}
        errors.seek(0)
        last_words = errors.read().strip()[-300:]
    seconds = time.monotonic() - clock
    now = os.times()
    used = now.children_user + now.children_system - children.children_user - children.children_system
    lines = [line for line in run.stdout.splitlines() if line.startswith("{")]
    if run.returncode or not lines:
        return {"error": f"it ended with {run.returncode}: {last_words}"}
    line = json.loads(lines[-1].replace(":NaN", ":null"))
    return {**line, "others": round(max(0.0, _busy() - busy - used) / seconds, 2)}


def _busy() -> float:
    """Seconds that all processors have worked since the machine started."""
    with open("/proc/stat") as stat:
        fields = [int(field) for field in stat.readline().split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")
