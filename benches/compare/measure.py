"""Starts programs and takes their time. Knows no tool and no goal.

A whole process is timed from just before `posix_spawn` until `wait4` returns; `wait4` also tells
the CPU time of the process and of every descendant that was waited for. Its output goes to a
file, as a real caller's would, never to /dev/null, which some programs notice.
"""

import os
import random
import signal
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Optional

# What takes longer, in the making of a store or in one run, is left out and said.
TIMEOUT_S = 300


class Failed(Exception):
    """A program that did not do its work, in one line."""


class NotYet(Failed):
    """Something that this version of a program cannot do yet."""


@dataclass
class Job:
    """One program doing one piece of work, over and over."""

    program: str
    how: str  # what is run, for a reader of the table
    argv: Callable[[int], list]
    cwd: Path
    env: dict
    stdin: Optional[Callable[[int], bytes]] = None
    before: Optional[Callable[[int], None]] = None  # not timed
    check: Optional[Callable[[str], Optional[str]]] = None  # output of the warm-up run -> complaint
    proof: Optional["Job"] = None  # run once instead, where the timed output tells nothing
    counts: bool = True  # False: shown, but no goal is measured against it
    helpers: Callable[[], list] = list  # pids of daemons whose CPU time belongs to it


@dataclass
class Result:
    """What came of a job: samples in milliseconds, or a note why there are none."""

    program: str
    how: str
    counts: bool = True
    note: str = ""
    wall: list = field(default_factory=list)
    cpu: list = field(default_factory=list)

    @property
    def median(self):
        return statistics.median(self.wall) if self.wall else None

    def row(self):
        """The numbers of a table's row: median, min, p90, CPU, runs."""
        ordered = sorted(self.wall)
        p90 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.9))]
        return self.median, ordered[0], p90, statistics.mean(self.cpu), len(ordered)


def run_all(jobs, scratch, budget_s, most):
    """Every job's result. Their runs alternate, so that whatever else loads the machine hits all alike."""
    results, plan = [], []
    for job in jobs:
        result = Result(job.program, job.how, job.counts)
        results.append(result)
        try:
            took = warm_up(job, scratch)
        except Failed as failed:
            result.note = f"failed: {failed}"
            continue
        least = 3 if took * 5 > budget_s else 5
        runs = max(least, min(most, int(budget_s / max(took, 1e-4))))
        # Spread over the whole of the measurement: a slow job's few runs too.
        plan += [((k + random.random()) / runs, k + 1, job, result) for k in range(runs)]
    for _, index, job, result in sorted(plan, key=lambda step: step[0]):
        if result.note:
            continue
        try:
            wall, cpu, _ = once(job, index, scratch)
        except Failed as failed:
            result.note = f"failed: {failed}"
            continue
        result.wall.append(wall)
        result.cpu.append(cpu)
    return results


def warm_up(job, scratch):
    """Two runs that do not count; looks whether the first did the work at all. Seconds that the quicker took."""
    wall, _, output = once(job, 0, scratch)
    complaint = job.check and job.check(output)
    if not complaint and job.proof:
        _, _, output = once(job.proof, 0, scratch)
        complaint = job.proof.check(output)
    if complaint:
        raise Failed(complaint)
    again, _, _ = once(job, -1, scratch)
    return min(wall, again) / 1000


def once(job, index, scratch):
    """(wall ms, CPU ms, output) of one run; fails where the program does."""
    if job.before:
        job.before(index)
    argv = [str(word) for word in job.argv(index)]
    (scratch / "in").write_bytes(job.stdin(index) if job.stdin else b"")
    os.chdir(job.cwd)
    pids = job.helpers()
    ticks = sum(map(cpu_ticks, pids))
    with open(scratch / "in", "rb") as stdin, open(scratch / "out", "wb") as stdout, open(scratch / "err", "wb") as stderr:
        wires = [(os.POSIX_SPAWN_DUP2, f.fileno(), n) for n, f in enumerate((stdin, stdout, stderr))]
        start = time.perf_counter_ns()
        pid = os.posix_spawn(argv[0], argv, job.env, file_actions=wires, setpgroup=0)
        status, usage = wait(pid)
        wall = (time.perf_counter_ns() - start) / 1e6
    cpu = (usage.ru_utime + usage.ru_stime) * 1000
    cpu += (sum(map(cpu_ticks, pids)) - ticks) * 1000 / os.sysconf("SC_CLK_TCK")
    code = os.waitstatus_to_exitcode(status)
    if code != 0:
        errors = (scratch / "err").read_text(errors="replace").strip() or f"exit code {code}"
        raise Failed(f"{Path(argv[0]).name}: {errors.splitlines()[0][:160]}")
    return wall, cpu, (scratch / "out").read_text(errors="replace")


def wait(pid):
    """Waits for it; takes its process group down with us, and after TIMEOUT_S."""

    def expired(*_):
        raise Failed(f"still running after {TIMEOUT_S} s")

    before = signal.signal(signal.SIGALRM, expired)
    signal.alarm(TIMEOUT_S)
    try:
        _, status, usage = os.wait4(pid, 0)
        return status, usage
    except BaseException:
        os.killpg(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def cpu_ticks(pid):
    """CPU time so far of a daemon, in clock ticks; 0 where /proc does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])
    except (OSError, IndexError, ValueError):
        return 0
