"""The tests: which of them reach a function, how long they take, and whether they notice a mutant of it."""

import hashlib, json, os, resource, signal, subprocess, tempfile, threading, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

FEW = 16
# A test that takes longer than this, in seconds, is asked last.
QUICK = 4
# So many tests of the program are asked first.
PROGRAMS = 6


class Tests:
    def __init__(self, binary, crate, scope, notes, whole):
        """`whole` are tests of the program: every process that they start is the mutant, and each test runs by itself."""
        self.binary, self.crate, self.whole, self.notes = binary, crate, whole, notes
        names = {flag: self.names(*flag) for flag in [(), ("--ignored",)]}
        self.all = [name for name in names[()] if name not in names[("--ignored",)] and name.startswith(tuple(scope))]
        self.known = {}
        # How often a test noticed something: in a function, in a file.
        self.lucky = {}
        self.lock = threading.Lock()

    def names(self, *flags):
        said = subprocess.run([self.binary, "--list", "--format", "terse", *flags], cwd=self.crate, stdout=subprocess.PIPE, text=True, check=True)
        return [line.removesuffix(": test") for line in said.stdout.splitlines() if line.endswith(": test")]

    def run(self, tests, number=0, cases=None, reached=None, wall=600, cpu=None):
        """What became of these tests: their exit code (None when they did not end) and the last one that was begun."""

        def limits():
            os.setpgid(0, 0)
            if cpu:
                resource.setrlimit(resource.RLIMIT_CPU, (int(cpu) + 1, int(cpu) + 6))
            resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

        marks = [f"/covault-mutant/{number}"] * bool(number) + [f"/covault-reached{reached}"] * bool(reached)
        env = {name: value for name, value in os.environ.items() if name not in ("PROPTEST_CASES", "COVAULT_LONG")}
        env |= {"PATH": ":".join([os.environ["PATH"], *marks]), "PROPTEST_FAILURE_PERSISTENCE": "off", "CARGO_MANIFEST_DIR": str(self.crate)}
        env |= {"COVAULT_MUTANT_TEST": "1"} if number else {}
        env |= {"PROPTEST_CASES": str(cases)} if cases else {}
        words = [self.binary, "--exact", "--test-threads=1", "--format=pretty", *tests]
        with tempfile.TemporaryFile("w+", errors="replace") as said:
            child = subprocess.Popen(words, cwd=self.crate, env=env, preexec_fn=limits, stdout=said, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
            try:
                code = child.wait(timeout=wall)
            except subprocess.TimeoutExpired:
                code = None
            # What it started goes with it.
            try:
                os.killpg(child.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            child.wait()
            said.seek(0)
            text = said.read()
        begun = [line.split()[1] for line in text.splitlines() if line.startswith("test ") and " ... " in line]
        failed = [line.split()[1] for line in text.splitlines() if line.startswith("test ") and line.endswith("FAILED")]
        if code in (-signal.SIGXCPU, -signal.SIGKILL):
            code = None
        return code, (failed or begun or tests)[-1 if not failed else 0], text

    def look(self, jobs, digest):
        """Runs each test once as it is: what it reaches, and how long it takes."""
        kept = json.loads(self.notes.read_text()) if self.notes.exists() else {}
        for test in self.all:
            old = kept.get(test)
            if old and old["digest"] == self.digest(test, digest):
                self.known[test] = old
        new = [test for test in self.all if test not in self.known]

        def one(test):
            with tempfile.TemporaryDirectory() as folder:
                reached = f"{folder}/reached"
                began = time.monotonic()
                code, _, text = self.run([test], reached=reached, wall=1800)
                took = time.monotonic() - began
                sites = sorted({int(n) for n in Path(reached).read_text().split()}) if os.path.exists(reached) else []
            few = took
            if code == 0 and took > 1 and not self.whole:
                began = time.monotonic()
                self.run([test], cases=FEW, wall=1800)
                few = time.monotonic() - began
            fact = {"ok": code == 0, "took": round(took, 3), "few": round(few, 3), "sites": sites, "digest": self.digest(test, digest)}
            with self.lock:
                self.known[test] = fact
                self.notes.write_text(json.dumps(self.known))
            if code != 0:
                print(f"left out, since it fails without a mutant: {test}", flush=True)

        with ThreadPoolExecutor(jobs) as pool:
            list(pool.map(one, new))
        self.notes.write_text(json.dumps(self.known))
        self.all = [test for test in self.all if self.known[test]["ok"]]
        return sum(self.known[test]["took"] for test in self.all), len(new)

    def digest(self, test, sources):
        """A test is looked at again when its file or the mutated code changes."""
        parts = test.split("::")[:-1]
        files = [self.crate / "tests" / Path(*parts[:n]) for n in range(len(parts), 0, -1)]
        texts = [path.read_bytes() for file in files for path in (file.with_suffix(".rs"), file / "mod.rs") if path.exists()]
        return hashlib.sha256(sources.encode() + b"".join(texts[:1])).hexdigest()[:16]

    def trial(self, mutant, patient):
        """caught, timeout, missed or unreached, and the test that noticed; or unsure, where only the quick tests were asked.

        `patient` asks the others: those that take long, and those that were asked with few cases, with all of theirs.
        """
        reaching = [test for test in self.all if mutant["site"] in self.known[test]["sites"]]
        if not reaching:
            return "unreached", ""
        function, file = (mutant["file"], mutant["function"]), mutant["file"]

        def order(test):
            with self.lock:
                luck = 0.2 + 5 * self.lucky.get((test, function), 0) + self.lucky.get((test, file), 0)
            return (0.02 + self.known[test]["few"]) / luck

        reaching.sort(key=order)
        quick = [test for test in reaching if self.known[test]["few"] <= QUICK]
        if self.whole:
            groups = [([test], None) for test in (reaching if patient else reaching[:PROGRAMS])]
        elif patient:
            groups = [([test], None) for test in reaching if self.known[test]["few"] > QUICK or self.known[test]["took"] > 1]
            brief = [test for test in quick if self.known[test]["took"] <= 1]
            groups = [(brief, None)] * bool(brief) + groups
        else:
            groups = [(those, FEW) for those in (quick[:3], quick[3:20], quick[20:]) if those]
        for tests, cases in groups:
            usual = sum(self.known[test]["few" if cases else "took"] for test in tests)
            cpu = None if self.whole else 10 + 10 * usual
            code, last, _ = self.run(tests, mutant["number"], cases, wall=60 + 20 * usual, cpu=cpu)
            if code == 0:
                continue
            with self.lock:
                for place in (function, file):
                    self.lucky[(last, place)] = self.lucky.get((last, place), 0) + 1
            return ("timeout" if code is None else "caught"), last
        done = patient or (self.whole and len(reaching) <= PROGRAMS)
        return "missed" if done else "unsure", f"{len(reaching)} tests reach it"
