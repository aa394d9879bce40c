"""age, sops and murk under attack. See targets.py for what a target is, attacks.py for the attacks."""

import base64
import json
import re

from measure import Failed
from targets import Target


class AgeTarget(Target):
    """A target whose people have age keys."""

    def missing(self):
        return super().missing() or (None if self.bench.find("age-keygen") else "age-keygen")

    def keys(self, scene):
        """A key pair for everybody; the recipients by name."""
        self.recipients = {}
        for person in ("alice", "bob", "mallory"):
            text = scene.must(person, self.bench.find("age-keygen"), cwd=scene.dir)
            file = self.identity(scene, person)
            file.touch(mode=0o600)
            file.write_text(text)
            self.recipients[person] = re.search(r"public key: (\S+)", text)[1]

    def identity(self, scene, person):
        return scene.dir / f"{person}.key"


class Age(AgeTarget):
    """A folder of .age files and a recipients file: no program says so, it is what people do."""

    name = "age"
    reads = "age -d -i KEY FILE"
    lists = ("recipients.txt",)
    removal = "recipients file, then a loop of age -d and age -R"
    remarks = (
        'age\'s specification leaves signing out: "Any kind of signing (which is not a tooling problem, but a trust '
        'and key distribution problem …)" (quoted in FiloSottile/age issue 38); issue 59 describes the forgery',
    )

    def found(self, scene, secrets):
        self.keys(scene)
        self.list_readers(scene, "alice", ("alice", "bob"))
        for name, value in secrets:
            self.write(scene, "alice", name, value)

    def list_readers(self, scene, by, people):
        lines = [self.recipients[person] + "\n" for person in people]
        (scene.at(by) / "recipients.txt").write_text("".join(lines))

    def path(self, name):
        return f"{name}.age"

    def read(self, scene, person, name):
        return scene.run(person, self.program, "-d", "-i", self.identity(scene, person), self.path(name))

    def write(self, scene, person, name, value):
        file = scene.at(person) / self.path(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        done = scene.run(person, self.program, "-R", "recipients.txt", "-o", file, stdin=value)
        scene.publish(person, f"set {name}")
        return done

    def forge(self, scene, _case, name, value):
        file = scene.at("mallory") / self.path(name)
        scene.must("mallory", self.program, "-R", "recipients.txt", "-o", file, stdin=value)

    def add_reader(self, scene, _case):
        self.list_readers(scene, "mallory", ("alice", "bob", "mallory"))

    def remove(self, scene, _case, names):
        self.list_readers(scene, "alice", ("alice",))
        for name in names:
            self.write(scene, "alice", name, self.read(scene, "alice", name).out)


class Sops(AgeTarget):
    """One file a secret, with age recipients from .sops.yaml."""

    name = "sops"
    reads = "sops decrypt --extract"
    cases = {"swap": ("two files", "two values of one file"), "removed": ("updatekeys", "rotate --rm-age")}
    lists = (".sops.yaml",)
    removal = ".sops.yaml, then sops updatekeys or sops rotate --rm-age"
    remarks = (
        'sops, README, "Direct Editing": "When removing keys, it is recommended to rotate the data key using -r, '
        'otherwise, owners of the removed key may have add access to the data key in the past."',
        "sops, README: the names of a value within its file are authenticated with it, and a MAC covers all values of one file",
    )

    def found(self, scene, secrets):
        self.keys(scene)
        for person in ("alice", "bob", "mallory"):
            scene.env[person].update(SOPS_AGE_KEY_FILE=str(self.identity(scene, person)), SOPS_DISABLE_VERSION_CHECK="1")
        self.rule(scene, "alice", ("alice", "bob"))
        for name, value in secrets:
            self.write(scene, "alice", name, value)

    def rule(self, scene, by, people, more=""):
        readers = ",".join(self.recipients[person] for person in people)
        (scene.at(by) / ".sops.yaml").write_text(f"creation_rules:\n  - age: {readers}\n{more}")

    def path(self, name):
        return f"{name}.json"

    def read(self, scene, person, name):
        return scene.run(person, self.program, "decrypt", "--extract", '["value"]', self.path(name))

    def write(self, scene, person, name, value):
        file = scene.at(person) / self.path(name)
        if file.exists():
            done = scene.run(person, self.program, "set", file, '["value"]', json.dumps(value))
        else:
            done = self.create(scene, person, name, value)
        scene.publish(person, f"set {name}")
        return done

    def create(self, scene, person, name, value):
        file = scene.at(person) / self.path(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        # Where the encryption fails nothing must stay: a person would not commit it.
        file.write_text(json.dumps({"value": value, "spare": f"spare of {name}"}))
        done = scene.run(person, self.program, "encrypt", "--in-place", file)
        if done.code != 0:
            file.unlink()
        return done

    def swap(self, scene, case):
        if case == "two files":
            return super().swap(scene, case)
        file = scene.at("mallory") / self.path("prod/db")
        content = json.loads(file.read_text())
        content["value"], content["spare"] = content["spare"], content["value"]
        file.write_text(json.dumps(content, indent=1))
        return "spare of prod/db"

    def forge(self, scene, _case, name, value):
        if self.create(scene, "mallory", name, value).code != 0:
            raise Failed("sops encrypt refused")

    def add_reader(self, scene, _case):
        self.rule(scene, "mallory", ("alice", "bob", "mallory"))

    def plaintext(self, scene):
        """Which values are encrypted in a new file is for .sops.yaml to say."""
        self.rule(scene, "mallory", ("alice", "bob"), '    unencrypted_regex: ".*"\n')

    def remove(self, scene, case, names):
        self.rule(scene, "alice", ("alice",))
        for name in names:
            how = ["updatekeys", "--yes"] if case == "updatekeys" else ["rotate", "--in-place", "--rm-age", self.recipients["bob"]]
            scene.must("alice", self.program, *how, self.path(name))
        scene.publish("alice", "remove bob")

    def read_with_history(self, scene, person, name):
        """The old file's part for him, put into the new file: the data key may be the same."""
        path = self.path(name)
        oldest = scene.git(person, "log", "--format=%H", "--diff-filter=A", "--", path).split()[-1]
        old = json.loads(scene.git(person, "show", f"{oldest}:{path}"))
        new = json.loads((scene.at(person) / path).read_text())
        new["sops"]["age"] = old["sops"]["age"]
        grafted = scene.dir / "grafted.json"
        grafted.write_text(json.dumps(new))
        return scene.run(person, self.program, "decrypt", "--extract", '["value"]', grafted)


class Murk(AgeTarget):
    """One signed file for all secrets; what is swapped and forged are values inside of it."""

    name = "murk"
    reads = "murk get"
    needs = ("git", "age")
    cases = {"forge": ("a value of hers in the file", "a vault that she made")}
    lists = (".murk",)
    removal = "murk circle revoke"
    remarks = (
        'murk trust --help: "Needed once per vault on a new clone, whenever a teammate\'s first signed write arrives, '
        'and whenever murk refuses a vault (an unfamiliar signer, an unsigned or rolled-back vault)"',
    )

    def found(self, scene, secrets):
        self.keys(scene)
        for person in ("alice", "bob", "mallory"):
            scene.env[person]["MURK_KEY_FILE"] = str(self.identity(scene, person))
        scene.must("alice", self.program, "init", stdin="alice\n")
        (scene.at("alice") / ".gitignore").write_text(".env\n.envrc\n.murk.lock\n")
        scene.must("alice", self.program, "circle", "authorize", self.recipients["bob"], "--name", "bob")
        for name, value in secrets:
            self.write(scene, "alice", name, value)

    def arrive(self, scene, person):
        super().arrive(scene, person)
        scene.must(person, self.program, "trust", "--yes")

    def path(self, _name):
        return ".murk"

    def key(self, name):
        return name.replace("/", "_").upper()

    def read(self, scene, person, name):
        return scene.run(person, self.program, "get", self.key(name))

    def write(self, scene, person, name, value):
        done = scene.run(person, self.program, "add", self.key(name), stdin=value + "\n")
        scene.publish(person, f"set {name}")
        # "added" and a hint are what it says each time; a warning is what counts.
        done.err = "\n".join(line for line in done.err.splitlines() if "⚠" in line or done.code != 0)
        return done

    def edit(self, scene, change):
        file = scene.at("mallory") / ".murk"
        content = json.loads(file.read_text())
        change(content)
        file.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")

    def swap(self, scene, _case):
        def change(content):
            secrets = content["secrets"]
            secrets["PROD_DB"], secrets["PROD_CACHE"] = secrets["PROD_CACHE"], secrets["PROD_DB"]

        self.edit(scene, change)

    def forge(self, scene, case, name, value):
        if case == "a vault that she made":
            own = scene.dir / "own"
            own.mkdir()
            scene.must("mallory", self.bench.find("git"), "init", "-q", cwd=own)
            scene.must("mallory", self.program, "init", cwd=own, stdin="alice\n")
            for reader in ("alice", "bob"):
                scene.must("mallory", self.program, "circle", "authorize", self.recipients[reader], "--name", reader, cwd=own)
            scene.must("mallory", self.program, "add", self.key(name), cwd=own, stdin=value + "\n")
            (scene.at("mallory") / ".murk").write_bytes((own / ".murk").read_bytes())
            return
        to = [word for reader in ("alice", "bob") for word in ("-r", self.recipients[reader])]
        sealed = scene.dir / "sealed"
        scene.must("mallory", self.bench.find("age"), *to, "-o", sealed, stdin=value)

        def change(content):
            content["secrets"][self.key(name)]["shared"] = base64.b64encode(sealed.read_bytes()).decode()

        self.edit(scene, change)

    def add_reader(self, scene, _case):
        self.edit(scene, lambda content: content["recipients"].append(self.recipients["mallory"]))

    def remove(self, scene, _case, _names):
        scene.must("alice", self.program, "circle", "revoke", "bob")
        scene.publish("alice", "remove bob")
