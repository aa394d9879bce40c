#!/usr/bin/env python3
"""Covault against its peers: the same stores, the same work, whole processes, one run, one table.

    benches/compare/install-peers            once
    cargo build --release
    benches/compare/run.py [--quick] [--only WORK] [--covault PATH] [--json FILE]

Peers that are not installed are left out, and said. What stands for what where a program has no
such ability is in peers.py; the goals are in goals.py; Covault's command lines in covault.py.

Runs of all programs are shuffled into each other, so that other load hits all alike; medians are
compared within one run only. Files are warm in the cache; HOME, git configuration and keyrings
are temporary. "Limit" burns the CPU time of the X25519 operations on all cores and ends. "CPU" is user + system time of a process and all that it waited for, and of
gpg-agent for those who use it. A row with † does not count for a goal.

The physical limit is the number of X25519 operations of a work times the cost of one, divided by
the cores. The cost of one is OpenSSL's (the best of four measurements around this run), or
COVAULT_BENCH_X25519_US, microseconds, for what our own criterion bench prints.
COVAULT_BENCH_BUILDER: see covault.py.
"""

import sys

sys.dont_write_bytecode = True

import argparse
import json
import os
import platform
import re
import shutil
import signal
import statistics
import subprocess
import time
from pathlib import Path

from bench import Bench
from covault import Covault
from measure import Failed
from peers import PEERS
from table import render
from workloads import Workloads

ROOT = Path(__file__).resolve().parents[2]


def main():
    args = arguments(__doc__, "get, set, ls, open (open-1, open-10 …), git-diff, diff, run")
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    tools = Path(os.environ.get("COVAULT_TOOLS", ROOT / "target/tools")).resolve()
    bench = Bench(tools, args.tmp)
    try:
        report = compare(bench, args)
    finally:
        bench.close()
    if args.json:
        Path(args.json).write_text(json.dumps(report, indent=1) + "\n")


def arguments(about, works, more=None):
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the sizes, shorter measurements")
    parser.add_argument("--only", action="append", metavar="WORK", help=f"{works}; repeatable")
    parser.add_argument("--peer", action="append", metavar="NAME", help="only these programs; repeatable")
    parser.add_argument("--covault", metavar="PATH", help="the program (default: target/release/covault)")
    parser.add_argument("--budget", type=float, metavar="SECONDS", help="measuring time of each program in each work (default: 8, quick: 2)")
    parser.add_argument("--json", metavar="FILE", help="all samples and figures")
    parser.add_argument("--tmp", default="/tmp", metavar="DIR", help="parent of the temporary folder; a short path")
    if more:
        more(parser)
    args = parser.parse_args()
    args.json = args.json and os.path.abspath(args.json)
    args.budget = args.budget or (2 if args.quick else 8)
    return args


def compare(bench, args):
    """Measures and prints; returns what --json keeps."""
    covault = os.path.abspath(args.covault) if args.covault else str(ROOT / "target/release/covault")
    programs, absent = [], []
    ours = Covault(bench, covault if os.access(covault, os.X_OK) else None)
    for program in [ours] + [peer(bench) for peer in PEERS]:
        if args.peer and program.name not in args.peer:
            continue
        lacks = program.missing()
        if lacks:
            absent.append(program.name if lacks == program.name else f"{program.name} (needs {lacks})")
        else:
            programs.append(program)
    given = os.environ.get("COVAULT_BENCH_X25519_US")
    load, costs, sections = [os.getloadavg()[0]], [x25519_us(bench), x25519_us(bench)], []
    before = float(given) if given else min(filter(None, costs), default=None)
    shrink, most = (10, 40) if args.quick else (1, 100)
    work = Workloads(bench, programs, shrink, args.budget, most, before, say)
    names = [name for name in work.sections if wanted(name, args.only)]
    if not names:
        sys.exit(f"error: no such work: {', '.join(args.only)}\nhint: {', '.join(work.sections)}")

    started = time.time()
    for name in names:
        sections.append(work.measure(name))
        load.append(os.getloadavg()[0])
        shutil.rmtree(bench.dir / "s", ignore_errors=True)
        # A run that is ended has said what it knew.
        say("\n" + render(sections[-1:], {p.name for p in programs if p.has_vault}, lambda _: None))
    costs += [x25519_us(bench), x25519_us(bench)]
    costs = [cost for cost in costs if cost]
    cost = float(given) if given else min(costs, default=None)

    def limit_ms(section):
        """No more cores than operations."""
        return cost * section.x25519 / 1000 / min(bench.cores, section.x25519) if cost and section.x25519 else None

    head = {
        "machine": f"{cpu_name()}, {bench.cores} cores, {platform.system()} {platform.release()}",
        "programs": {p.name: version(bench, p) for p in programs},
        "not installed": absent,
        "X25519, one, us": {"openssl": round(min(costs), 1) if costs else None, "given": given and float(given)},
        "write and fsync of one small file, ms": round(fsync_ms(bench), 2),
        "load average": [round(min(load), 1), round(max(load), 1)],
        "quick": args.quick,
        "took, s": round(time.time() - started),
    }
    for key, value in head.items():
        print(f"- {key}: {value if not isinstance(value, dict) else ', '.join(f'{k} {v}' for k, v in value.items())}")
    if min(load) > 0.5 or max(load) > bench.cores + 2:
        print("- **not a quiet machine**: ratios within a section hold, milliseconds and goals in them are worth little")
    print()
    print(render(sections, {p.name for p in programs if p.has_vault}, limit_ms))
    return {
        **head,
        "work": [
            {
                "name": s.name, "title": s.title, "x25519": s.x25519, "limit_ms": limit_ms(s), **s.facts,
                "results": [{**vars(r), "median": r.median} for r in s.results],
            }
            for s in sections
        ],
    }


def wanted(name, only):
    return not only or any(name == word or (word == "open" and name.startswith("open-")) for word in only)


def x25519_us(bench):
    """Microseconds of one X25519 operation on one core, or None."""
    openssl = bench.find("openssl")
    if not openssl:
        return None
    try:
        out = bench.call(openssl, "speed", "-seconds", "1", "ecdhx25519")
    except Failed:
        return None
    found = re.search(r"X25519\)\s+\S+\s+([0-9.]+)", out)
    return 1e6 / float(found[1]) if found else None


def fsync_ms(bench):
    """What a durable write costs at least on this file system."""
    samples = []
    for number in range(20):
        start = time.perf_counter()
        with open(bench.scratch / f"fsync{number}", "wb") as file:
            file.write(bytes(1024))
            os.fsync(file.fileno())
        samples.append((time.perf_counter() - start) * 1000)
    return statistics.median(samples)


def version(bench, program):
    flags = {"pass": "version", "sops": "--version"}
    argv = [program.program, flags.get(program.name, "--version")]
    env = dict(bench.env, SOPS_DISABLE_VERSION_CHECK="1")
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    found = re.search(r"v?(\d+\.\d+[\w.+-]*)", done.stdout + done.stderr)
    return found[1] if found else "?"


def cpu_name():
    try:
        return re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())[1]
    except (OSError, TypeError):
        return platform.machine()


def say(text):
    print(f"compare: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
