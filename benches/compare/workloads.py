"""The pieces of work: what is built, what is timed, and how one sees that it was done.

Each yields rows for one table section. A row's check looks at the output of its warm-up run: a
program that fails fast must not win.
"""

import random
from dataclasses import dataclass, field

from bench import make_secrets, new_value
from measure import Failed, Job, NotYet, Result, run_all

READERS = (1, 10, 50, 100)


@dataclass
class Section:
    """One piece of work, measured with every program that can do it."""

    name: str  # get, set, ls, open-1 …
    title: str
    x25519: int  # operations that nobody can avoid who keeps one age file a secret
    results: list = field(default_factory=list)
    facts: dict = field(default_factory=dict)
    ability: str = ""  # the method of a program that this work needs, and its key in `how`; as `name` where empty

    def of(self, program):
        return next((r for r in self.results if r.program == program), None)


class Workloads:
    """Makes the sections. Sizes are divided by `shrink`."""

    def __init__(self, bench, programs, shrink, budget_s, most, cost_us, say):
        self.bench, self.programs, self.cost_us, self.say = bench, programs, cost_us, say
        self.budget_s, self.most = budget_s, most
        self.small, self.large = 1000 // shrink, 10000 // shrink
        self.changed, self.vars = 100 // shrink, 50 // shrink
        n, c, v = self.small, self.changed, self.vars
        self.sections = {
            "get": (self.get, Section("get", f"get one of {n:,}", 1)),
            # The old value is opened; the new one takes an ephemeral key and one wrap.
            "set": (self.set, Section("set", f"set one of {n:,}, with commit", 3)),
            "ls": (self.ls, Section("ls", f"ls of {self.large:,}", 0)),
        }
        for readers in READERS:
            s = "s" if readers > 1 else ""
            title = f"open all {n:,}, {readers} reader{s}"
            self.sections[f"open-{readers}"] = (self.open, Section(f"open-{readers}", title, n, ability="open"))
        self.sections["git-diff"] = (self.git_diff, Section("git-diff", f"git diff, {c} changed", 2 * c))
        self.sections["diff"] = (self.diff, Section("diff", f"own diff, {c} changed", 2 * c))
        self.sections["run"] = (self.run, Section("run", f"run with {v}", v))

    def measure(self, name):
        """One section, measured."""
        work, section = self.sections[name]
        ability = section.ability or name
        self.say(f"{section.title}: building")
        jobs, notes = self.baselines(section), {}
        order = [job.program for job in jobs]
        for program in self.programs:
            if not hasattr(program, ability.replace("-", "_")):
                if ability in program.cannot:
                    order.append(program.name)
                    notes[program.name] = f"cannot: {program.cannot[ability]}"
                continue
            order.append(program.name)
            try:
                job = work(program, section)
                job.how = program.how[ability].format(program.name)
                job.counts = ability not in program.reference
                jobs.append(job)
            except NotYet as note:
                notes[program.name] = str(note)
            except Failed as failed:
                notes[program.name] = f"failed: {failed}"
        self.say(f"{section.title}: measuring {len(jobs)} programs")
        done = {r.program: r for r in run_all(jobs, self.bench.scratch, self.budget_s, self.most)}
        for program in order:
            section.results.append(done.get(program) or Result(program, "", note=notes[program]))
        return section

    def baselines(self, section):
        """What is no program under test: what starts and ends, and the limit where it is one of CPU time."""
        jobs = [Job("nothing", "starts and ends", lambda _: [self.bench.nothing], self.bench.dir, self.bench.env, counts=False)]
        if section.ability == "open" and self.cost_us and self.bench.limit:
            argv = self.burn(section.x25519)
            how = f"{section.x25519:,} X25519, {argv[2]} cores"
            jobs.append(Job("limit", how, lambda _: argv, self.bench.dir, self.bench.env, counts=False))
        return jobs

    def burn(self, operations):
        """The command that uses the CPU time of so many X25519 operations, on all cores that they can use."""
        cores = min(self.bench.cores, operations)
        return [self.bench.limit, round(self.cost_us * operations / cores), cores]

    def job(self, program, store, argv, **more):
        return Job(program.name, "", argv, store.dir, program.env(store), helpers=program.helpers, **more)

    def get(self, program, _section):
        store = program.build(make_secrets(self.small), 1)
        expect = store.pick(0).value
        return self.job(
            program, store, lambda i: program.get(store, store.pick(i)),
            check=lambda out: None if out.strip() == expect else "another value",
        )

    def set(self, program, _section):
        store = program.build(make_secrets(self.small), 1)
        # Another secret and another value at every run; the commit is part of it.
        value = lambda i: new_value(random.Random(f"{store.dir}{i}"))
        before = self.commits(store)

        def check(_output):
            return None if self.commits(store) > before else "no commit"

        job = self.job(
            program, store, lambda i: program.set(store, store.pick(i)),
            stdin=lambda i: program.set_stdin(value(i)), check=check,
        )
        if hasattr(program, "get"):
            job.proof = self.job(
                program, store, lambda i: program.get(store, store.pick(i)),
                check=lambda out: None if out.strip() == value(0) else "the new value is not there",
            )
        return job

    def commits(self, store):
        return int(self.bench.git(store.dir, "rev-list", "--count", "HEAD"))

    def ls(self, program, section):
        store = program.build(make_secrets(self.large), 1)
        job = self.job(program, store, lambda _: program.ls(store), check=lambda out: listing_complaint(out, store.secrets))
        if hasattr(program, "hide_identity"):
            bring_back = program.hide_identity()
            try:
                self.bench.call(*program.ls(store), cwd=store.dir, env=program.env(store))
                section.facts["without_key"] = True
            except Failed:
                section.facts["without_key"] = False
            finally:
                bring_back()
        return job

    def open(self, program, section):
        readers = int(section.name.partition("-")[2])
        store = program.build(make_secrets(self.small), readers)
        check = lambda out: missing_complaint(out, [secret.value for secret in store.secrets])
        job = self.job(program, store, lambda _: program.open(store), check=check)
        if hasattr(program, "before_open"):
            job.before = lambda _: program.before_open(store)
        if hasattr(program, "proof_of_open"):
            job.check = None
            job.proof = self.job(program, store, lambda _: program.proof_of_open(store), check=check)
        return job

    def changed_store(self, program):
        """(store, commit before, values after)"""
        store = program.build(make_secrets(self.small), 1)
        base = self.bench.git(store.dir, "rev-parse", "HEAD").strip()
        dice = random.Random(1)
        changed = store.secrets[:: max(1, len(store.secrets) // self.changed)][: self.changed]
        for secret in changed:
            secret.value = new_value(dice)
        program.change(store, changed)
        return store, base, changed

    def git_diff(self, program, _section):
        store, base, changed = self.changed_store(program)
        return self.job(
            program, store, lambda _: program.git_diff(store, base),
            check=lambda out: missing_complaint(out, [secret.value for secret in changed]),
        )

    def diff(self, program, _section):
        store, base, changed = self.changed_store(program)
        # A diff of one's own may mask the values; the names it has to have.
        return self.job(
            program, store, lambda _: program.diff(store, base),
            check=lambda out: listing_complaint(out, changed),
        )

    def run(self, program, _section):
        secrets = make_secrets(self.vars)
        store = program.build_for_run(secrets)
        proof = self.job(
            program, store, lambda _: program.run(store, "/usr/bin/env"),
            check=lambda out: missing_complaint(out, [secret.value for secret in secrets]),
        )
        return self.job(program, store, lambda _: program.run(store, self.bench.nothing), proof=proof)


def missing_complaint(output, wanted):
    """What of it is not there. An output is searched once, not once a word."""
    words = set("".join(c if c.isalnum() or c == "_" else " " for c in output).split())
    lost = [word for word in wanted if word not in words and word not in output]
    return f"{len(lost)} of {len(wanted)} are not in its output" if lost else None


def listing_complaint(output, secrets):
    """Covault spells key_0001 key-0001."""
    return missing_complaint(output.replace("-", "_"), [secret.key for secret in secrets])
