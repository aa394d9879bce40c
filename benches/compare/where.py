#!/usr/bin/env python3
"""Where the time of Covault's main commands goes: instructions by area, system calls, processes. No load changes these.

    cargo build --release
    benches/compare/where.py [--quick] [--only COMMAND] [--no-instructions] [--covault PATH] [--json FILE]

A vault of 1,000 secrets with one reader, and one with 10 readers and a roster of 100 entries. Each command runs once to
warm up, then under `valgrind --tool=callgrind` (instructions of Covault's own process, by the crate that the source line is
from where the program has line tables, else by the function's name), then under `strace -f` (system calls of it and all
that it started, and how many git processes those are).

The processor that callgrind plays has no instructions for SHA, so that hashes weigh more there than here.
With line tables what was inlined is told apart: CARGO_PROFILE_RELEASE_DEBUG=line-tables-only cargo build --release
"""

import sys

sys.dont_write_bytecode = True

import json
import os
import random
import re
import signal
from collections import Counter
from pathlib import Path

from bench import Bench, make_secrets, new_value
from covault import Covault
from covault_team import admit, lengthen, member_names
from measure import Failed
from run import ROOT, arguments, say

# The first that matches a crate or a function decides.
AREAS = (
    ("X25519, Ed25519", r"curve25519|x25519|ed25519|fiat|subtle|crypto_bigint"),
    ("hashes", r"^sha\d?|digest|block_buffer|hkdf|hmac|gix_hash|generic_array|sha1|hybrid_array"),
    ("cipher", r"chacha|poly1305|salsa|scrypt|aead|universal_hash|cipher"),
    ("age", r"^age|bech32|cookie_factory|^nom"),
    ("git in this process", r"^gix|bstr|winnow|faster_hex|zlib|flate2|miniz|memmap"),
    ("TOML, JSON", r"toml|serde|itoa|ryu"),
    ("command line", r"clap|anstyle|strsim"),
    ("model", r"covault(::|/src/)model|rpds|archery"),
    ("seal", r"covault(::|/src/)seal"),
    ("vault, repo, home, cli", r"covault"),
    ("memory", r"malloc|free$|calloc|realloc|mem(cpy|move|set|cmp|chr)|_int_|alloc::|zeroize|str(len|cmp|chr)"),
    ("start of the process", r"^_dl|dl-|elf|_rtld|do_lookup|strcmp|rtld"),
    ("std", r"core|std|alloc|hashbrown|library/|rayon|crossbeam|memchr|aho"),
)


def main():
    fewer = lambda parser: parser.add_argument("--no-instructions", action="store_true", help="calls and processes only, which any build tells")
    args = arguments(__doc__, "get, set …", fewer)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    bench = Bench(Path("/nonexistent"), args.tmp)
    for tool in ("valgrind", "strace"):
        if not bench.find(tool):
            sys.exit(f"error: no {tool}\nhint: apt-get install {tool}")
    try:
        report = look(bench, args)
    finally:
        bench.close()
    if args.json:
        Path(args.json).write_text(json.dumps(report, indent=1) + "\n")


def look(bench, args):
    """Counts and prints; returns what --json keeps."""
    covault = os.path.abspath(args.covault) if args.covault else str(ROOT / "target/release/covault")
    program = Covault(bench, covault)
    count, members, entries = (100, 3, 20) if args.quick else (1_000, 10, 100)
    say("building")
    plain = program.build(make_secrets(count), 1)

    def long_roster(store):
        admit(program, store, member_names(members - 1))
        lengthen(program, store, entries, members)

    team = program.build(make_secrets(count), members, long_roster)
    rows = {}
    for name, store, argv, stdin in commands(bench, program, plain, team, count, members, entries):
        if args.only and not any(name.startswith(word) for word in args.only):
            continue
        say(name)
        try:
            rows[name] = one(bench, program, store, argv, stdin, not args.no_instructions)
        except Failed as failed:
            rows[name] = {"note": str(failed)}
    print(f"- {bench.call(covault, '--version').strip()}, {bench.call(bench.find('valgrind'), '--version').strip()}")
    print(f"- quick: {args.quick}\n")
    print(render(rows))
    return {"quick": args.quick, "rows": rows}


def commands(bench, program, plain, team, count, members, entries):
    """Name, store, what is run, its stdin."""
    value = new_value(random.Random(7)).encode()
    asked = plain.pick(0)
    base = bench.git(plain.dir, "rev-parse", "HEAD").strip()
    changed = make_secrets(count)[:: max(1, count // 100)][:100]
    for number, secret in enumerate(changed):
        secret.value = f"changed-{number}"
    program.change(plain, changed)
    driver = merged_files(bench, program, plain, asked)
    yield "--version", plain, program.command(plain, "--version"), b""
    yield f"whoami, {entries} entries", team, program.command(team, "whoami"), b""
    yield f"get one of {count:,}", plain, program.get(plain, asked), b""
    yield f"get, {members} readers, {entries} entries", team, program.get(team, team.pick(0)), b""
    yield f"set one of {count:,}", plain, program.set(plain, asked), value
    yield f"ls of {count:,}", plain, program.ls(plain), b""
    yield f"export of {count:,}", plain, program.open(plain), b""
    yield f"export of {count:,}, {members} readers", team, program.open(team), b""
    yield f"diff, {len(changed)} changed", plain, program.diff(plain, base), b""
    yield "run with 50", plain, program.run(plain, bench.nothing), b""
    yield f"verify of {count:,}, remembered", plain, program.command(plain, "verify"), b""
    yield "log NAME", plain, program.command(plain, "log", program.path(plain, asked)), b""
    yield "status", plain, program.command(plain, "status"), b""
    yield "merge driver, one file", plain, driver, b""


def merged_files(bench, program, store, secret):
    """What git calls for one file that both sides changed, on copies that it may write."""
    name = program.path(store, secret)
    path = f".covault/secrets/{name}.age"
    base = bench.git(store.dir, "rev-parse", "HEAD").strip()
    sides = []
    for field in ("ours", "theirs"):
        bench.git(store.dir, "reset", "-q", "--hard", base)
        bench.call(*program.command(store, "set", name, "--stdin", field), env=program.home, stdin=b"one side's value")
        sides.append((store.dir / path).read_bytes())
    bench.git(store.dir, "reset", "-q", "--hard", base)
    folder = bench.mkdir("driver")
    for side, content in zip(("base", "ours", "theirs"), ((store.dir / path).read_bytes(), *sides)):
        (folder / side).write_bytes(content)
    script = 'cp "$3/ours" "$3/now" && exec "$1" -C "$2" merge-driver "$3/base" "$3/now" "$3/theirs" 7 "$4"'
    return [bench.find("sh"), "-c", script, "sh", program.program, store.dir, folder, path]


def one(bench, program, store, argv, stdin, with_instructions):
    """Instructions by area, system calls, git processes."""
    # A change of a value that is there already would change nothing: each run another.
    fresh = lambda number: stdin and stdin + str(number).encode()
    call = lambda number, *before: bench.call(*before, *argv, cwd=store.dir, env=program.home, stdin=fresh(number))
    call(1)
    areas = instructions(bench, argv, lambda *before: call(2, *before)) if with_instructions else {}
    calls, started = trace(bench, lambda *before: call(3, *before))
    return {"areas": dict(areas), "calls": dict(calls), "started": dict(started)}


def instructions(bench, argv, call):
    """Of Covault's own process, by area."""
    out = bench.scratch / "callgrind"
    for old in bench.scratch.glob("callgrind*"):
        old.unlink()
    is_shell = argv[0] == bench.find("sh")
    valgrind = [bench.find("valgrind"), "-q", "--tool=callgrind", f"--callgrind-out-file={out}.%p"]
    # Of the processes that it starts only our own count, and of a shell the one that it becomes.
    call(*valgrind, "--trace-children=" + ("yes" if is_shell else "no"), "--trace-children-skip=*git*,*/cp")
    found = [read(file) for file in bench.scratch.glob("callgrind.*")]
    return max(found, key=lambda areas: sum(areas.values()))


def trace(bench, call):
    """System calls of it and all that it started, and those programs, by name."""
    file = bench.scratch / "trace"
    call(bench.find("strace"), "-f", "-qq", "-o", file, "-e", "signal=none")
    calls, started = Counter(), Counter()
    for line in file.read_text(errors="replace").splitlines():
        found = re.match(r"\d+\s+(\w+)\(", line)
        if found:
            calls[found[1]] += 1
        # One that a switch to another process interrupts is "unfinished"; one that is looked for in vain is -1.
        program_run = re.match(r'\d+\s+execve\("([^"]+)"', line)
        if program_run and " = -1 " not in line:
            started[Path(program_run[1]).name] += 1
    return calls, started


def read(file):
    """Own cost of each source line of a callgrind file, by area."""
    names, costs, skip, at = {}, Counter(), False, {"fl": "", "fn": "", "ob": ""}

    def named(kind, text):
        number, _, name = text.partition(" ")
        key = (kind, number)
        if name:
            names[key] = name
        return names.get(key, "")

    with open(file, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            head, is_spec, rest = line.rstrip("\n").partition("=")
            if is_spec and head in ("fl", "fi", "fe"):
                at["fl"] = named("file", rest)
            elif is_spec and head == "fn":
                at["fn"] = named("fn", rest)
            elif is_spec and head == "ob":
                at["ob"] = named("ob", rest)
            elif is_spec and head in ("cfi", "cfl"):
                named("file", rest)
            elif is_spec and head == "cfn":
                named("fn", rest)
            elif is_spec and head == "cob":
                named("ob", rest)
            elif is_spec and head == "calls":
                skip = True
            elif line[:1] in "0123456789+-*":
                if skip:
                    skip = False
                    continue
                words = line.split()
                if len(words) == 2:
                    costs[area(at)] += int(words[1])
    return costs


def area(at):
    source = at["fl"]
    crate = re.search(r"/registry/src/[^/]+/([^/]+?)-\d[^/]*/", source)
    if "ld-linux" in at["ob"]:
        return "start of the process"
    if crate:
        word = crate[1].replace("-", "_")
    elif re.search(r"(^|/)src/(model|seal|vault|repo|home|cli|providers|main|plaintext|lib)\b", source) and "/rustc/" not in source:
        word = "covault/src/" + source.rpartition("src/")[2]
    else:
        word = re.sub(r"^<+&?(mut )?(dyn )?", "", at["fn"])
    return next((name for name, pattern in AREAS if re.search(pattern, word)), "other")


def render(rows):
    """Millions of instructions by area, then calls and processes."""
    names = [name for name, _ in AREAS] + ["other"]
    if not any(row.get("areas") for row in rows.values()):
        return render_calls(rows)
    lines = ["| command | all | " + " | ".join(names) + " | system calls | most of them | git started |"]
    lines.append("|---|" + "---:|" * (len(names) + 2) + "---|---:|")
    for command, row in rows.items():
        if "note" in row:
            lines.append(f"| {command} | {row['note']} |" + " |" * (len(names) + 3))
            continue
        areas = row["areas"]
        million = lambda count: f"{count / 1e6:.1f}" if count >= 5e4 else ""
        cells = [million(sum(areas.values())) or "0.0"] + [million(areas.get(name, 0)) for name in names]
        lines.append(f"| {command} | " + " | ".join(cells + calls_of(row)) + " |")
    return "\n".join(lines)


def calls_of(row):
    most = ", ".join(f"{name} {count:,}" for name, count in Counter(row["calls"]).most_common(4))
    return [f"{sum(row['calls'].values()):,}", most, str(row["started"].get("git", 0))]


def render_calls(rows):
    lines = ["| command | system calls | most of them | git started |", "|---|---:|---|---:|"]
    lines += [f"| {command} | " + (row["note"] if "note" in row else " | ".join(calls_of(row))) + " |" for command, row in rows.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
