#!/usr/bin/env python3
"""Every command on a large vault, at three sizes: time, CPU time, memory, and what it grows with.

    cargo build --release
    benches/compare/scale.py [--quick] [--size SECRETS/MEMBERS/COMMITS] [--only COMMAND] [--covault PATH] [--json FILE]

The largest vault has 10,000 secrets, 100 members who read all of them, and 5,000 commits, of which a quarter change a
secret and a twentieth the roster (scale_vault.py); the commands are in scale_commands.py. The first table has the three
sizes: wall milliseconds, CPU milliseconds of the command and all that it started (git), and the peak memory of the
largest of those processes. What takes more than 60 s stands in bold.

The second table changes one thing at a time: from the smallest vault on, ten times as many secrets, or members, or
commits. "0.0" is flat, "1.0" ten times as long, "2.0" a hundred times: exponents of CPU time. More than 1.3 is said.

A command that writes starts from a copy each time. CPU time hardly depends on other load; wall time does.
"""

import sys

sys.dont_write_bytecode = True

import json
import math
import os
import signal
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path

from bench import Bench
from covault import Covault
from measure import Failed, Job, once
from run import ROOT, arguments, cpu_name, fsync_ms, say
from scale_commands import commands
from scale_vault import ScaleVault

SIZES = ((1_000, 10, 500), (3_000, 30, 1_500), (10_000, 100, 5_000))
QUICK = ((100, 4, 100), (300, 12, 300), (1_000, 40, 1_000))
TIMES = 10
SLOW_S = 60
# A command that takes longer is run once only.
ONCE_S = 10
# Growing faster than that deserves a look.
STEEP = 1.3


@dataclass
class Taken:
    """What the runs of one command took; or why there are none."""

    wall: list = field(default_factory=list)
    cpu: list = field(default_factory=list)
    mib: list = field(default_factory=list)
    note: str = ""

    def said(self):
        """A line of the log: who ends the run early has what was taken until then."""
        if not self.wall:
            return self.note
        wall, cpu, mib = self.medians()
        return f"{wall:,.0f} ms, {cpu:,.0f} of CPU, {mib:,.0f} MiB"

    def medians(self):
        return [statistics.median(samples) for samples in (self.wall, self.cpu, self.mib)] if self.wall else None


def main():
    sizes = lambda parser: parser.add_argument(
        "--size", action="append", type=lambda text: tuple(map(int, text.split("/"))), metavar="S/M/C",
        help="a vault of so many secrets, members and commits instead; repeatable, and without the second table",
    )
    args = arguments(__doc__, "the beginning of a command, as the table has it", sizes)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    bench = Bench(Path("/nonexistent"), args.tmp)
    usage = bench.compile("usage")
    if not usage:
        sys.exit("error: no C compiler, and without one no memory is told\nhint: install gcc")
    try:
        report = measure(bench, usage, args)
    finally:
        bench.close()
    if args.json:
        Path(args.json).write_text(json.dumps(report, indent=1) + "\n")


def measure(bench, usage, args):
    """Measures and prints; returns what --json keeps."""
    covault = os.path.abspath(args.covault) if args.covault else str(ROOT / "target/release/covault")
    if not os.access(covault, os.X_OK):
        sys.exit(f"error: {covault} is not there\nhint: cargo build --release")
    started, load = time.time(), [os.getloadavg()[0]]
    sizes = args.size or (QUICK if args.quick else SIZES)
    base, one_at_a_time = sizes[0], []
    if not args.size:
        one_at_a_time = [tuple(size * (TIMES if at == which else 1) for at, size in enumerate(base)) for which in range(3)]
    taken = {}
    for size in (*sizes, *one_at_a_time):
        taken[size] = at_size(bench, covault, usage, size, args)
        load.append(os.getloadavg()[0])
    head = {
        "machine": f"{cpu_name()}, {bench.cores} cores",
        "programs": {"covault": bench.call(covault, "--version").split()[-1], "git": bench.git(bench.dir, "--version").split()[2]},
        "write and fsync of one small file, ms": round(fsync_ms(bench), 2),
        "load average": [round(min(load), 1), round(max(load), 1)],
        "quick": args.quick,
        "took, s": round(time.time() - started),
    }
    for key, value in head.items():
        print(f"- {key}: {value if not isinstance(value, dict) else ', '.join(f'{k} {v}' for k, v in value.items())}")
    if max(load) > bench.cores + 2:
        print("- **not a quiet machine**: CPU times and exponents hold roughly, wall times do not")
    print("\n" + table_of_sizes(sizes, taken))
    if one_at_a_time:
        print("\n" + table_of_growth(base, one_at_a_time, taken))
    rows = [{"size": size, "commands": {name: vars(each) for name, each in found.items()}} for size, found in taken.items()]
    return {**head, "sizes": rows}


def at_size(bench, covault, usage, size, args):
    """Every command on one vault: name -> Taken."""
    title = "{:,} secrets, {} members, {:,} commits".format(*size)
    say(f"{title}: making the vault")
    # A home of its own: what was remembered of another vault is no part of this one.
    place = Bench(Path("/nonexistent"), bench.dir)
    try:
        return on_vault(place, covault, usage, size, args, title)
    finally:
        place.close()


def on_vault(bench, covault, usage, size, args, title):
    started = time.time()
    try:
        vault = ScaleVault(Covault(bench, covault), *size)
    except Failed as failed:
        say(f"{title}: failed: {failed}")
        return {"making the vault": Taken(note=f"failed: {failed}")}
    say(f"{title}: measuring, made in {time.time() - started:.0f} s")
    found = {}
    for command in commands(vault):
        if args.only and not any(command.name.startswith(word) for word in args.only):
            continue
        found[command.name] = run(vault, usage, command, 1 if args.quick else 3)
        say(f"{title}: {command.name}: {found[command.name].said()}")
    return found


def run(vault, usage, command, most):
    """The runs of one command: one that warms up and is checked, and those that count. Slow ones: the first alone."""
    taken = Taken()
    try:
        first = one_run(vault, usage, command, checked=True)
        slow = first[0] > ONCE_S * 1000
        runs = [first] if slow or command.starts == "left" else [one_run(vault, usage, command) for _ in range(most)]
        taken.wall, taken.cpu, taken.mib = (list(column) for column in zip(*runs))
    except Failed as failed:
        taken.note = f"failed: {failed}"
    return taken


def one_run(vault, usage, command, checked=False):
    """Wall ms, CPU ms, peak MiB."""
    if command.starts == "copy" or (command.starts == "kept" and vault.is_touched):
        vault.put_back()
    vault.is_touched = command.starts != "kept"
    if command.before:
        command.before()
    out = vault.bench.dir / "usage.txt"
    argv = [usage, out, *command.late(command.argv)]
    env = {**vault.program.home, **command.env}
    job = Job("covault", command.name, lambda _: argv, vault.dir, env, stdin=lambda _: command.stdin.encode())
    _, _, output = once(job, 0, vault.bench.scratch)
    wall, user, system, kib, code = map(int, out.read_text().split())
    if code not in command.codes:
        errors = (vault.bench.scratch / "err").read_text(errors="replace").strip().splitlines()
        raise Failed(f"exit code {code}: {(errors or [''])[0][:160]}")
    complaint = checked and command.check and command.check(output)
    if complaint:
        raise Failed(complaint)
    return wall / 1000, (user + system) / 1000, kib / 1024


def names_of(sizes, taken):
    return list(dict.fromkeys(name for size in sizes for name in taken[size]))


def table_of_sizes(sizes, taken):
    """Wall, CPU and memory at each size."""
    head = ["command"] + [f"{secrets:,} / {members} / {commits:,}: ms" for secrets, members, commits in sizes]
    head += ["CPU ms"] * len(sizes) + ["MiB"] * len(sizes)
    lines = [" | ".join(head), " | ".join(["---"] + ["---:"] * (len(head) - 1))]
    for name in names_of(sizes, taken):
        cells = [taken[size].get(name) for size in sizes]
        medians = [cell and cell.medians() for cell in cells]
        row = [name]
        for which in range(3):
            for cell, median in zip(cells, medians):
                row.append(number(median[which], which == 0) if median else (cell.note if cell and which == 0 else "–"))
        lines.append(" | ".join(row))
    return "\n".join(f"| {line} |" for line in lines)


def number(value, is_wall):
    text = f"{value:.1f}" if value < 100 else f"{value:,.0f}"
    return f"**{text}**" if is_wall and value > SLOW_S * 1000 else text


def table_of_growth(base, one_at_a_time, taken):
    """Exponents of CPU time in secrets, members and commits."""
    secrets, members, commits = base
    lines = [
        f"| command | CPU ms at {secrets:,} / {members} / {commits:,} | secrets | members | commits | |",
        "| --- | ---: | ---: | ---: | ---: | --- |",
    ]
    for name in names_of([base], taken):
        before = taken[base][name].medians()
        row, steep = [name, f"{before[1]:.1f}" if before else "–"], []
        for what, size in zip(("secrets", "members", "commits"), one_at_a_time):
            after = name in taken[size] and taken[size][name].medians()
            if not before or not after:
                row.append("–")
                continue
            power = math.log(max(after[1], 0.1) / max(before[1], 0.1)) / math.log(TIMES)
            row.append(f"{power:.1f}")
            if power > STEEP:
                steep.append(what)
        lines.append("| " + " | ".join(row) + f" | {'**more than linear** in ' + ', '.join(steep) if steep else ''} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
