"""The work of a team: somebody comes, somebody goes, all is verified, and the roster is long. See team.py.

A run that changes the store starts from a copy of it, so that every run does the same work. The
copy is not timed, nor is git's looking at the new files' times.
"""

import os
import shutil
from pathlib import Path

from bench import Store, make_secrets
from covault_team import admit, lengthen, member_names
from measure import Failed, Job, Result, run_all
from workloads import Section, Workloads

READERS = 10
AUDIENCES = (10, 50, 100)
# Of one sealed secret where no store of ours tells: 1 KiB of padded document, the manifest, a reader 98 bytes.
SEALED = 3100


class TeamWork(Workloads):
    """The sections, for programs of team_peers.py. Sizes are divided by `shrink`."""

    def __init__(self, bench, programs, shrink, budget_s, most, cost_us, verify_us, say):
        super().__init__(bench, programs, shrink, budget_s, most, cost_us, say)
        n = self.small
        self.verify_us = verify_us
        self.members, self.entries = 100 // shrink, 500 // shrink
        self.sealed = SEALED
        sections = {
            # One opening, and an ephemeral key and a secret for the one wrap.
            "add-reader": (self.add_reader, Section("add-reader", f"add a reader to {n:,} with {READERS}", 3 * n)),
            # One opening, and a new file key wrapped for each of the rest.
            "remove-reader": (
                self.remove_reader,
                Section("remove-reader", f"remove a reader of {READERS} from {n:,}", (1 + 2 * (READERS - 1)) * n),
            ),
        }
        for count in (n, self.large):
            title = f"verify {count:,}, {self.members} members"
            sections[f"verify-{count}"] = (self.verify, Section(f"verify-{count}", title, 0, ability="verify"))
        for command in ("whoami", "get"):
            title = f"{command}: {self.members} members, {self.entries} entries"
            sections[f"start-{command}"] = (None, Section(f"start-{command}", title, 0))
        for readers in AUDIENCES:
            title = f"get one of {n:,}, {readers} readers"
            sections[f"get-{readers}"] = (self.get_of, Section(f"get-{readers}", title, 1, ability="get"))
        for readers in AUDIENCES:
            sections[f"open-{readers}"] = self.sections[f"open-{readers}"]
        self.sections = sections

    def measure(self, name):
        return self.measure_start(name) if name.startswith("start-") else super().measure(name)

    def baselines(self, section):
        jobs = super().baselines(section)
        if section.name in ("add-reader", "remove-reader"):
            jobs.append(self.floor(section, "git"))
            if self.cost_us and self.bench.limit:
                jobs.append(self.floor(section, "limit"))
        if section.ability == "verify" and self.verify_us and self.bench.limit:
            count = int(section.name.partition("-")[2])
            argv = [self.bench.limit, round(self.verify_us * count / self.bench.cores), self.bench.cores]
            how = f"{count:,} Ed25519 checks, {self.bench.cores} cores"
            jobs.append(Job("limit", how, lambda _: argv, self.bench.dir, self.bench.env, counts=False))
        return jobs

    def floor(self, section, program):
        """git's own cost of as many changed files of that size; for the limit, after the CPU time of the X25519 operations."""
        secrets = make_secrets(self.small)
        store = Store(self.bench.store_dir(program), secrets, READERS)
        self.scramble(store)
        self.bench.git(store.dir, "init", "-q")
        self.bench.commit_all(store.dir, "store")
        commit = "git add -A && git commit -q -m readers"
        # Asked for at each run: the size of ours is known once ours is built.
        argv = ["/bin/sh", "-c", commit]
        how = f"{self.small:,} random files, git commit"
        if program == "limit":
            burn = self.burn(section.x25519)
            argv = ["/bin/sh", "-c", f"{' '.join(map(str, burn))} && {commit}"]
            how = f"{section.x25519:,} X25519, then {how}"
        env = self.bench.env
        return Job(program, how, lambda _: argv, store.dir, env, before=lambda _: self.scramble(store), counts=False)

    def scramble(self, store):
        for secret in store.secrets:
            file = store.dir / secret.path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(os.urandom(self.sealed))

    def add_reader(self, program, _section):
        return self.change(program, program.add_reader, READERS + 1)

    def remove_reader(self, program, _section):
        return self.change(program, program.remove_reader, READERS - 1)

    def change(self, program, command, after):
        """A change of the readers of everything, from the same store at each run."""
        store = program.build_team(make_secrets(self.small), READERS)
        if program.name == "covault":
            files = list((store.dir / ".covault/secrets").rglob("*.age"))
            self.sealed = sum(file.stat().st_size for file in files) // len(files)
        there = program.readers_of(store)
        if set(there) != {READERS}:
            raise Failed(f"{there} readers where {READERS} were to be")
        commits = self.commits(store)
        before = self.keep(program, store)

        def check(_output):
            found = program.readers_of(store)
            if set(found) != {after}:
                return f"{found} readers of a sample instead of {after}"
            if self.commits(store) == commits:
                return "no commit"
            return "left changes uncommitted" if self.bench.git(store.dir, "status", "--porcelain") else None

        argv = command(store)
        return self.job(program, store, lambda _: argv, before=lambda _: before(), check=check)

    def keep(self, program, store):
        """A copy of the store and of what belongs to it; returns what puts it back."""
        kept = [(Path(folder), Path(f"{folder}.kept")) for folder in [store.dir, *program.homes()]]
        for folder, copy in kept:
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(folder, copy, symlinks=True)

        def put_back():
            # A working directory that is gone would be the next program's.
            os.chdir("/")
            for folder, copy in kept:
                shutil.rmtree(folder)
                shutil.copytree(copy, folder, symlinks=True)
            self.bench.git(store.dir, "status", "--porcelain")

        return put_back

    def verify(self, program, section):
        """It has to be content with the store, and not with a damaged one."""
        count = int(section.name.partition("-")[2])
        store = program.build(make_secrets(count), self.members)

        def check(_output):
            program.damage(store)
            try:
                self.bench.call(*program.verify(store), cwd=store.dir, env=program.env(store))
                return "content with a damaged store"
            except Failed:
                return None
            finally:
                self.bench.git(store.dir, "checkout", "-q", "--", ".")

        return self.job(program, store, lambda _: program.verify(store), check=check)

    def get_of(self, program, section):
        store = program.build(make_secrets(self.small), int(section.name.partition("-")[2]))
        expect = store.pick(0).value
        return self.job(
            program, store, lambda i: program.get(store, store.pick(i)),
            check=lambda out: None if out.strip() == expect else "another value",
        )

    def measure_start(self, name):
        """Ours alone: one founder with one entry beside a long roster. What is read has one reader in both."""
        _, section = self.sections[name]
        program = next((p for p in self.programs if p.name == "covault"), None)
        nothing = self.baselines(section)[0]
        if not program:
            section.results = run_all([nothing], self.bench.scratch, self.budget_s, self.most)
            return section
        self.say(f"{section.title}: building")
        command = getattr(program, name.replace("-", "_"))
        jobs, notes = [nothing], []
        for row, members, entries in (("covault", self.members, self.entries), ("covault alone", 1, 1)):
            try:
                store = program.build(make_secrets(1), 1, lambda store: self.roster(program, store, members, entries))
                argv = command(store)
                how = f"{program.how[name]}, {entries} entries" if entries > 1 else f"{program.how[name]}, 1 entry"
                jobs.append(self.job(program, store, lambda _, argv=argv: argv))
                jobs[-1].program, jobs[-1].how, jobs[-1].counts = row, how, False
                if entries > 1:
                    cold = self.job(program, store, lambda _, argv=argv: argv, before=lambda _: program.forget_rosters())
                    cold.program, cold.how, cold.counts = "covault, first time", f"{how}, not verified before", False
                    jobs.append(cold)
            except Failed as failed:
                notes.append(Result(row, "", note=str(failed)))
        self.say(f"{section.title}: measuring")
        section.results = run_all(jobs, self.bench.scratch, self.budget_s, self.most) + notes
        return section

    def roster(self, program, store, members, entries):
        """So long a roster, whose folder for the secrets has one reader."""
        if entries <= 1:
            return
        admit(program, store, member_names(members - 1))
        self.bench.call(*program.grant(store, ["alice"]), env=program.home)
        lengthen(program, store, entries, members + 1)
