#!/usr/bin/env python3
"""How many bytes of git a store takes: Covault beside its peers.

    benches/compare/install-peers            once
    cargo build --release
    benches/compare/size.py [--quick] [--peer NAME] [--covault PATH] [--json FILE]

1,000 secrets of 24 characters in one commit; after 100 more commits that change one secret each, by the program's
ordinary command; and the first again with 10 readers. Counted are the bytes below .git/objects after `git gc`, which is what
a clone carries, and beside it the files of the work tree that are committed. Ciphertext does not compress, and no version of it
resembles the one before: a program that keeps one file for all writes the whole of it anew in git with each change.

"git" is the same without encryption. Times nothing, so that load does not matter.
"""

import sys

sys.dont_write_bytecode = True

import json
import os
import random
import shutil
import signal
from pathlib import Path

from bench import Bench, make_secrets, new_value
from covault import Covault
from measure import Failed, Job, NotYet, once
from peers import PEERS
from run import ROOT, arguments, say, version

READERS = 10


def main():
    args = arguments(__doc__, "not used here")
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    tools = Path(os.environ.get("COVAULT_TOOLS", ROOT / "target/tools")).resolve()
    bench = Bench(tools, args.tmp)
    try:
        report = weigh(bench, args)
    finally:
        bench.close()
    if args.json:
        Path(args.json).write_text(json.dumps(report, indent=1) + "\n")


def weigh(bench, args):
    """Weighs and prints; returns what --json keeps."""
    covault = os.path.abspath(args.covault) if args.covault else str(ROOT / "target/release/covault")
    count, changes = (100, 10) if args.quick else (1_000, 100)
    programs = [Covault(bench, covault if os.access(covault, os.X_OK) else None)] + [peer(bench) for peer in PEERS]
    programs = [program for program in programs if not args.peer or program.name in args.peer]
    absent = [program.name for program in programs if program.missing()]
    rows, versions = {}, {}
    for program in programs:
        if program.name in absent:
            continue
        versions[program.name] = version(bench, program)
        say(f"{program.name}: {count:,} secrets")
        rows[program.name] = weigh_one(bench, program, count, changes)
    print(f"- programs: {', '.join(f'{name} {found}' for name, found in versions.items())}")
    print(f"- not installed: {', '.join(absent) or 'none'}\n- quick: {args.quick}\n")
    print(render(rows, count, changes))
    return {"programs": versions, "not installed": absent, "quick": args.quick, "secrets": count, "changes": changes, "rows": rows}


def weigh_one(bench, program, count, changes):
    """What of it is known: bytes, or why not."""
    row = {}
    try:
        store = program.build(make_secrets(count), 1)
        row["files"], row["packed"] = files(bench, store), packed(bench, store)
        for number in range(changes):
            change(bench, program, store, number)
        row["changed"] = packed(bench, store)
    except Failed as failed:
        row["note"] = f"failed: {failed}"
    shutil.rmtree(bench.dir / "s", ignore_errors=True)
    if program.name != "git":
        try:
            row["readers"] = packed(bench, program.build(make_secrets(count), READERS))
        except NotYet as note:
            row["no readers"] = str(note)
        except Failed as failed:
            row["no readers"] = f"failed: {failed}"
        shutil.rmtree(bench.dir / "s", ignore_errors=True)
    return row


def change(bench, program, store, number):
    """One new value and one commit, which is looked for."""
    secret = store.pick(number)
    value = new_value(random.Random(number))
    before = head(bench, store)
    argv = program.set(store, secret)
    job = Job(program.name, "set", lambda _: argv, store.dir, program.env(store), stdin=lambda _: program.set_stdin(value))
    once(job, number, bench.scratch)
    if head(bench, store) == before:
        raise Failed("a change made no commit")
    if hasattr(program, "get"):
        got = bench.call(*program.get(store, secret), cwd=store.dir, env=program.env(store)).strip()
        # What git itself reads back is the committed file.
        if got != value:
            raise Failed("a change is not there")


def head(bench, store):
    return bench.git(store.dir, "rev-parse", "HEAD")


def files(bench, store):
    """Bytes of what is committed, as it lies in the work tree's tree."""
    listing = bench.git(store.dir, "ls-tree", "-r", "-l", "HEAD").splitlines()
    return sum(int(line.split()[3]) for line in listing)


def packed(bench, store):
    """Bytes below .git/objects, as a clone would have them."""
    bench.git(store.dir, "reflog", "expire", "--expire=now", "--all")
    bench.git(store.dir, "-c", "gc.writeCommitGraph=false", "gc", "-q", "--prune=now")
    return sum(file.stat().st_size for file in (store.dir / ".git/objects").rglob("*") if file.is_file())


def render(rows, count, changes):
    lines = [
        f"| program | {count:,} secrets: files, KiB | packed, KiB | bytes a secret | {changes} changes more, KiB | bytes a change | {READERS} readers, packed, KiB |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    kib = lambda value: f"{value / 1024:,.0f}"
    for name, row in rows.items():
        cells = ["–"] * 6
        if "packed" in row:
            cells[:3] = kib(row["files"]), kib(row["packed"]), f"{row['packed'] / count:,.0f}"
        if "changed" in row:
            more = row["changed"] - row["packed"]
            cells[3:5] = kib(more), f"{more / changes:,.0f}"
        cells[5] = kib(row["readers"]) if "readers" in row else row.get("no readers", "–")
        note = f" ({row['note']})" if "note" in row else ""
        lines.append(f"| {name}{note} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
