"""A repository with a long history, made in seconds: real versions of secrets, strewn among a project's other commits.

The versions come from `covault set`, one command each, in a small repository; `git fast-import` then writes the same
files again as part of a long history with side branches and merges. Times nothing.
"""

import random

from bench import Store
from measure import Failed

START = 1_700_000_000


class LongHistory:
    """`commits` commits, of which `versions` change a secret, `own` of them the one that is asked about."""

    asked = "prod/db"

    def __init__(self, program, secrets, commits, versions, own, readers=1):
        self.program, self.bench = program, program.bench
        self.dice = random.Random(commits)
        self.total, self.made, self.stream, self.now = commits, 0, [], START
        self.tip, self.side_due = None, None
        store = program.build(secrets, readers)
        self.change(store, versions - own, own)
        steps = self.steps_of(store)
        self.store = Store(self.bench.store_dir("long"), secrets, readers)
        self.store.names = store.names
        self.grow(store, steps)

    def change(self, store, others, own):
        """New versions, the one asked about evenly among them."""
        names = list(store.names.values())
        order = [self.dice.choice(names) for _ in range(others)]
        for number in range(own):
            order.insert(number * (others + own) // own, self.asked)
        for number, name in enumerate(order):
            argv = self.program.command(store, "set", name)
            self.bench.call(*argv, env=self.program.home, stdin=f"value number {number}".encode())

    def steps_of(self, store):
        """What each commit there changed: (subject, lines for fast-import)."""
        git = lambda *args: self.bench.git(store.dir, *args)
        steps = []
        for line in git("log", "--reverse", "--format=%H %s").splitlines():
            commit, _, subject = line.partition(" ")
            raw = git("diff-tree", "--root", "-r", "--no-commit-id", "--no-renames", commit).splitlines()
            fields = [entry[1:].split(None, 4) + [entry.partition("\t")[2]] for entry in raw]
            steps.append((subject, [f"M {mode[1]} {mode[3]} {mode[5]}" for mode in fields]))
        return steps

    def grow(self, source, steps):
        """The long history, in a repository of its own that has the small one's settings and objects."""
        git = lambda *args: self.bench.git(self.store.dir, *args)
        git("clone", "-q", "--no-local", source.dir, ".")
        git("remote", "remove", "origin")
        files = [f"src/part{n // 100:02}/mod{n // 10 % 10}/file{n % 10}.rs" for n in range(1_500)]
        self.commit(steps[0][0], steps[0][1])
        self.commit("the project", [line for file in files for line in self.text(file)])
        rest, at = steps[1:], 0
        while self.made < self.total:
            due = at < len(rest) and at * (self.total - 2) <= self.made * len(rest)
            step = rest[at] if due else self.ordinary(files)
            at += due
            if self.dice.random() < 0.08 and self.made + 4 <= self.total:
                self.side_branch(step, files)
            else:
                self.commit(*step)
        if at < len(rest):
            raise Failed(f"{self.total} commits have no room for {len(steps)} changes")
        self.stream.append("done\n")
        self.bench.call(
            self.bench.find("git"), "fast-import", "--quiet", "--force", "--done", cwd=self.store.dir,
            stdin="".join(self.stream).encode(),
        )
        git("reset", "-q", "--hard", "main")
        self.pack()

    def ordinary(self, files):
        changed = self.dice.sample(files, self.dice.choice((1, 1, 2, 3)))
        return (f"change {changed[0]}", [line for file in changed for line in self.text(file)])

    def text(self, file):
        lines = "".join(f"let v{n} = {self.dice.random()};\n" for n in range(8))
        return [f"M 100644 inline {file}", f"data {len(lines)}", lines]

    def side_branch(self, step, files):
        """The step on a branch beside an ordinary commit, and their merge."""
        base = self.tip
        ours = self.commit(*self.ordinary(files))
        self.commit(*step, parents=[base])
        theirs = self.commit(*(other := self.ordinary(files)))
        self.commit("merge a branch", step[1] + other[1], parents=[ours, theirs])

    def commit(self, subject, lines, parents=None):
        self.made += 1
        self.now += self.dice.randrange(600, 7_200)
        parents = ([self.tip] if self.tip else []) if parents is None else parents
        who = f"alice <alice@example.org> {self.now} +0000"
        links = "".join(f"{'merge' if n else 'from'} :{mark}\n" for n, mark in enumerate(parents))
        changes = "".join(f"{line}\n" for line in lines)
        head = f"commit refs/heads/main\nmark :{self.made}\nauthor {who}\ncommitter {who}\n"
        if not parents:
            head = "reset refs/heads/main\n" + head
        self.stream.append(f"{head}data {len(subject.encode())}\n{subject}\n{links}{changes}\n")
        self.tip = self.made
        return self.made

    def pack(self):
        """One pack and no commit-graph, as a clone has it."""
        git = lambda *args: self.bench.git(self.store.dir, *args)
        git("reflog", "expire", "--expire=now", "--all")
        git("-c", "gc.writeCommitGraph=false", "gc", "-q", "--prune=now")
