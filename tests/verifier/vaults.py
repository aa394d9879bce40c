#!/usr/bin/env python3
"""Vaults made from docs/format.md alone, signed by ssh-keygen: what the cases of build.py are built of."""
import base64, copy, functools, hashlib, os, pathlib, struct, subprocess, tempfile

TEMP = tempfile.TemporaryDirectory()
ORDER = 2**252 + 27742317777372353535851937790883648493


def sha(data):
    return hashlib.sha256(data.encode() if isinstance(data, str) else data).hexdigest()


def b64(data):
    return base64.b64encode(data).decode()


def bare(data):
    return b64(data).rstrip("=")


def packed(data):
    return struct.pack(">I", len(data)) + data


# --- canonical text

def spell(value):
    if isinstance(value, list):
        return "[" + ", ".join(map(spell, value)) + "]"
    if isinstance(value, int):
        return str(value)
    short = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    spelled = (short.get(c) or (f"\\u{ord(c):04X}" if c < " " or c == "\x7f" else c) for c in value)
    return '"' + "".join(spelled) + '"'


def lines(values):
    return "".join(f"{key} = {spell(value)}\n" for key, value in values.items())


# --- keys and cards

class Key:
    """A signing key, made by ssh-keygen."""

    def __init__(self, name):
        self.file = os.path.join(TEMP.name, name)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", self.file], check=True)
        self.public = " ".join(pathlib.Path(self.file + ".pub").read_text().split()[:2])
        self.blob = base64.b64decode(self.public.split()[1])

    def sign(self, namespace, message):
        words = ["ssh-keygen", "-q", "-Y", "sign", "-n", namespace, "-f", self.file]
        armored = subprocess.run(words, input=message, capture_output=True, check=True).stdout.decode()
        return base64.b64decode("".join(armored.split("\n")[1:-2]))

    def sign_with_small_r(self, namespace, message):
        """A signature whose R is the identity: the equation holds, and only a strict verifier refuses it."""
        raw = base64.b64decode("".join(pathlib.Path(self.file).read_text().split("\n")[1:-2]))
        seed = raw[raw.rindex(self.blob[-32:]) - 32:][:32]
        secret = int.from_bytes(hashlib.sha512(seed).digest()[:32], "little") & (2**254 - 8) | 2**254
        tail = packed(namespace.encode()) + packed(b"") + packed(b"sha512")
        signed = b"SSHSIG" + tail + packed(hashlib.sha512(message).digest())
        r = (1).to_bytes(32, "little")
        k = int.from_bytes(hashlib.sha512(r + self.blob[-32:] + signed).digest(), "little")
        s = (k * secret % ORDER).to_bytes(32, "little")
        return b"SSHSIG\0\0\0\1" + packed(self.blob) + tail + packed(packed(b"ssh-ed25519") + packed(r + s))


def age_recipient(raw=None):
    """The bech32 spelling of 32 bytes, random and canonical ones where none are given."""
    raw = raw or os.urandom(31) + b"\x0f"
    number = int.from_bytes(raw, "big") << 4
    data = [number >> 5 * n & 31 for n in reversed(range(52))]

    def polymod(values):
        check = 1
        for value in values:
            top, check = check >> 25, (check & 0x1FFFFFF) << 5 ^ value
            for bit, mask in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
                check ^= mask if top >> bit & 1 else 0
        return check

    check = polymod([3, 3, 3, 0, 1, 7, 5] + data + [0] * 6) ^ 1
    data += [check >> 5 * n & 31 for n in reversed(range(6))]
    return "age1" + "".join("qpzry9x8gf2tvdw0s3jn54khce6mua7l"[value] for value in data)


class Member:
    def __init__(self, name, kind="person", devices=None):
        self.name, self.kind = name, kind
        self.devices = [device("laptop")] if devices is None else devices

    def card(self, vault):
        return lines({"vault": vault, "name": self.name, "kind": self.kind, "devices": self.words()})

    def words(self):
        return [" ".join(filter(None, (label, to, key and key.public))) for label, to, key in self.devices]

    def key(self):
        return next((key for _, _, key in self.devices if key), None)

    def ref(self, vault):
        return f"{self.name} {sha(self.card(vault))}"

    def lines(self):
        return {"name": self.name, "kind": self.kind, "devices": self.words()}

    def other(self, *devices):
        return Member(self.name, self.kind, list(devices))


POOL = []


def device(label, to=None, signs=True):
    POOL.append(signs and Key(f"key{len(POOL)}"))
    return label, to or age_recipient(), POOL[-1] or None


ALICE, BOB, CAROL, DAVE, EVE = (Member(name) for name in ("alice", "bob", "carol", "dave", "eve"))
CI = Member("ci", "machine", [device("runner", signs=False)])
ZULU = Member("zulu", devices=[device("z"), device("paper"), device("a", signs=False)])
SSH_KEYS = [Key(f"recipient{n}") for n in range(2)]
SSH = Member("sam", devices=[device("ssh", SSH_KEYS[0].public), device("age"), device("more", SSH_KEYS[1].public)])
MALLORY = Key("mallory")


# --- rosters and secret files

class Vault:
    """A vault's roster and files, and whether anything is right about them is up to the case."""

    def __init__(self, founder=ALICE, **changes):
        self.entries, self.hashes, self.files, self.modes = [], [], {}, {}
        values = {"vault_name": "acme", "nonce": os.urandom(16).hex(), **founder.lines()}
        self.add("found", founder, card=founder, **{**values, **changes})

    def text(self):
        return "\n".join(self.entries).encode()

    def id(self):
        return self.hashes[0]

    def ref(self, member):
        return member.ref(self.id())

    def refs(self, *members):
        return sorted(map(self.ref, members))

    def fork(self):
        return copy.deepcopy(self)

    def add(self, op, signer, card=None, key=None, namespace="covault-roster", card_key=None, head=None, edit=None,
            card_namespace="covault-card", sign=None, **values):
        """Appends an entry; `head` changes lines before the operation's, `edit` the finished text."""
        first = not self.entries
        top = {"format": 1, "seq": len(self.hashes), "prev": "" if first else self.hashes[-1],
               "by": "" if first else sha(signer.card(self.id())), "at": "2026-01-01T00:00:00Z", "op": op}
        body = lines({**top, **(head or {}), **values}).encode()
        key = key or signer.key()
        text = "[[entry]]\n" + body.decode()
        text += lines({"signature": b64((sign or Key.sign)(key, namespace, body))})
        if card:
            message = card.card(sha(body) if first else self.id()).encode()
            card_key = card_key or card.key() or signer.key() or key
            text += lines({"card_signature": b64(card_key.sign(card_namespace, message))})
        self.entries.append(edit(text) if edit else text)
        self.hashes.append(sha(body))
        return self

    def admit(self, signer, member, role="writer", **how):
        return self.add("admit", signer, member, role=role, **{**member.lines(), **how})

    def remove(self, signer, member, live=(), **how):
        return self.add("remove", signer, member=self.ref(member), live=sorted(live), **how)

    def role(self, signer, member, role, live=(), **how):
        return self.add("role", signer, member=self.ref(member), role=role, live=sorted(live), **how)

    def renew(self, signer, old, new, live=(), **how):
        return self.add("renew", signer, new, member=self.ref(old), **new.lines(), live=sorted(live), **how)

    def group(self, signer, group, *members, live=()):
        return self.add("group", signer, group=group, members=self.refs(*members), live=sorted(live))

    def grant(self, signer, path, *readers, live=()):
        words = sorted(r if isinstance(r, str) else self.ref(r) for r in readers)
        return self.add("grant", signer, path=path, readers=words, live=sorted(live))

    def merge(self, signer, other, since, **how):
        """Embeds the other vault's entries from number `since`."""
        parts = [b64(text.encode()) for text in other.entries[since:]]
        self.files.update({path: file for path, file in other.files.items() if path not in self.files})
        return self.add("merge", signer, entries=parts, **how)

    def seal(self, path, by=ALICE, to=None, key=None, namespace="covault-secret", content=None, sign=None,
             edit_stanzas=None, edit_text=None, edit_blob=None, moved_to=None, **changes):
        """Puts a secret's file there and gives its manifest's hash. `changes` are the manifest's values."""
        to = sorted(to or [by], key=lambda member: member.name)
        stanzas = []
        for _, recipient, _ in (device for reader in to for device in reader.devices):
            share, wrapped, ssh = bare(os.urandom(32)), bare(os.urandom(32)), recipient.startswith("ssh")
            tag = bare(hashlib.sha256(base64.b64decode(recipient[12:])).digest()[:4]) if ssh else ""
            stanzas.append(f"-> ssh-ed25519 {tag} {share}\n{wrapped}\n" if ssh else f"-> X25519 {share}\n{wrapped}\n")
        stanzas = edit_stanzas(stanzas) if edit_stanzas else stanzas
        top = ("age-encryption.org/v1\n" + "".join(stanzas)).encode()
        payload = os.urandom(16 + 1024 + 16) if content is None else content
        m = {"format": 1, "vault": self.id(), "id": os.urandom(16).hex(), "aliases": [], "path": path, "state": "live"}
        m |= {"state": "moved", "moved_to": moved_to} if moved_to else {}
        m |= {"revision": 1, "parents": [], "ancestors": [], "roster_seq": len(self.hashes) - 1,
              "roster_head": self.hashes[-1], "roster_blob": "", "readers": self.refs(*to),
              "author": self.ref(by), "shares": [], "values": [], "at": "2026-01-01T00:00:00Z",
              "document": os.urandom(32).hex(), "payload": sha(payload), "stanzas": sha(top)}
        text = lines({**m, **changes})
        text = (edit_text(text) if edit_text else text).encode()
        blob = (sign or Key.sign)(key or by.key(), namespace, text)
        blob = edit_blob(blob) if edit_blob else blob
        mac = f"--- {bare(os.urandom(32))}\n".encode()
        parts = (top, b"-> covault-manifest\n", body(text), b"-> covault-signature\n", body(blob), mac, payload)
        self.files[("" if path.startswith("journal/") else "secrets/") + f"{path}.age"] = b"".join(parts)
        return sha(text)


def body(data):
    text = bare(data)
    return "".join(text[n:n + 64] + "\n" for n in range(0, len(text) + 1, 64)).encode()


def in_order(files):
    return sorted(files, key=sha)


def bundle(files, count=None, magic=b"covault-siblings 1\n\0"):
    """A sibling file of these, in the order in which they are given."""
    count = struct.pack(">I", len(files) if count is None else count)
    return magic + count + b"".join(map(packed, files))


def share(subject, word, author="alice", at="2026-01-01T00:00:00Z"):
    return f"{subject} {word} {author} {at} {os.urandom(16).hex()}"


def write_name(line):
    subject, word, author, at, nonce = line.split(" ")
    parts = (f"share.{subject}", "plain text", word, author, at)
    packed64 = [struct.pack(">Q", len(part)) + part for part in [p.encode() for p in parts] + [bytes.fromhex(nonce)]]
    return sha(b"covault-write-1\0" + b"".join(packed64))[:32]


@functools.lru_cache(None)
def once(make):
    return make()


def alone():
    """A vault of Alice's. What many cases begin with is signed once."""
    return once(Vault).fork()


def team():
    """Alice and Dave are admins, Bob writes, Carol reads, ci reads and cannot sign."""
    return once(make_team).fork()


def make_team():
    v = alone().admit(ALICE, BOB).admit(ALICE, CAROL, "reader").admit(ALICE, DAVE, "admin")
    return v.admit(DAVE, CI, "reader")


PEOPLE = [ALICE, BOB, CAROL, DAVE]
