#!/usr/bin/env python3
"""The second verifier of Covault repositories, written from docs/format.md alone. It needs no key and no work tree."""
import argparse, base64, datetime, functools, hashlib, json, os, re, struct, subprocess, sys, tempfile
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace as Record

class Bad(ValueError):
    """A refusal: a sentence, and the code of the step that failed. Any other ValueError is one of form."""

def need(holds, *why):
    if not holds:
        raise Bad(*why)

def reason(error):
    """Text and code of a refusal."""
    return (*error.args, "form")[:2] if type(error) is Bad else (f"not of our form: {error}", "form")

def sha(data):
    return hashlib.sha256(data).hexdigest()

def name_of(ref):
    return ref.split(" ")[0]

# Canonical text. A line is one regular expression, and its value is JSON as well.
CHARS, ESCAPE = r'[^"\\\x00-\x1f\x7f]*', r'\\(?:["\\nrt]|u00(?:0[0-8BCEF]|1[0-9A-F]|7F))'
STRING = f'"{CHARS}(?:{ESCAPE}{CHARS})*"'
LINE = re.compile(rf"([a-z_]+) = ({STRING}|0|[1-9][0-9]{{0,18}}|\[(?:{STRING}(?:, {STRING})*)?\])")
SEGMENT = r"(?!(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:[./ ]|\Z))[a-z0-9][a-z0-9._-]*(?<!\.)"
NAME = rf"(?![^ ]{{49}}){SEGMENT}"
GROUP = rf"(?!(?:people|inherit)(?: |\Z)){NAME}"
PART = rf"(?![^/]{{65}}){SEGMENT}(?<!\.age)"
SECRET = rf"(?!.{{181}})(?:{PART}/){{0,7}}{PART}"
H16, H32, H64 = (f"[0-9a-f]{{{length}}}" for length in (16, 32, 64))
TIME, REF, B64 = "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z", f"{NAME} {H64}", "[A-Za-z0-9+/]"
BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
DEVICE = rf"([a-z0-9][a-z0-9._-]{{0,47}}) (age1[{BECH32}]{{58}}|ssh-ed25519 {B64}{{68}})(?: (ssh-ed25519 {B64}{{68}}))?"
SHARE = rf"(({NAME}|@{GROUP}) (?:(yes|no) ({NAME}) ({TIME}) ({H32})|past ({H32})))"
ITEMS = {  # what the value of a key, or each item of its array, looks like
    int: {"format": "1", "seq": ".*", "minimum": ".*", "revision": "[1-9].*", "roster_seq": ".*"},
    list: {"devices": DEVICE, "live": H64, "members": REF, "readers": f"@people|@inherit|@{GROUP}|{REF}",
           "entries": ".*", "aliases": H32, "parents": H64, "ancestors": H16, "shares": SHARE, "values": H16},
    str: {"prev": f"({H64})?", "by": f"({H64})?", "at": TIME, "op": "[a-z]+", "nonce": H32,
          "vault_name": "[^\0-\x1f\x7f-\x9f]*", "name": NAME, "kind": "person|machine",
          "role": "reader|writer|admin", "member": REF, "group": GROUP,
          "path": f"({SECRET})?", "signature": ".*", "card_signature": ".*", "vault": H64, "id": H32, "author": REF,
          "state": "live|deleted|moved", "moved_to": SECRET, "roster_head": H64, "document": H64, "payload": H64,
          "stanzas": H64, "roster_blob": f"({H64}|[0-9a-f]{{40}})?"}}
SHAPES = {key: (kind, re.compile(shape, re.S)) for kind, shapes in ITEMS.items() for key, shape in shapes.items()}
UNSORTED = ("devices", "entries", "ancestors")

def check_time(text):
    datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")
    need("1970-01-01T00:00:00Z" <= text <= "9999-12-30T22:00:00Z", "no such time")

def parse(text):
    need(text.endswith("\n"), "the text does not end with a line's end")
    found = {}
    for line in text[:-1].split("\n"):
        match = LINE.fullmatch(line)
        key, value = (match[1], json.loads(match[2])) if match else ("", None)
        kind, shape = SHAPES.get(key, (None, None))
        need(type(value) is kind and key not in found, f"not a line of ours: {line[:60]!r}")
        items = value if kind is list else [value]
        need(all(shape.fullmatch(str(item)) for item in items), f"{key} is not of its shape")
        need(kind is not int or value < 2**63, f"{key} is too large")
        need(kind is not list or key in UNSORTED or is_sorted(items), f"{key} is not sorted")
        found[key] = value
        if key == "at":
            check_time(value)
    return found

def is_sorted(items):
    return all(a < b for a, b in zip(items, items[1:]))

def debase(text, padded=True):
    raw = base64.b64decode(text if padded else text + "=" * (-len(text) % 4), validate=True)
    need(text == base64.b64encode(raw).decode().rstrip("" if padded else "="), "base64 in another spelling")
    return raw

# Keys. Both curves are over the field of P; a number that is not below P is a second spelling.
P, ORDER = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P)
Y8 = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826  # order 8
U8 = 0x00B8495F16056286FDB1329CEB8D09DA6AC49FF1FAE35616AEB8413B7C7AEBE0  # order 8 on Montgomery's curve
SMALL_Y, SMALL_U, KEY = {0, 1, P - 1, Y8, P - Y8}, {0, 1, P - 1, U8, pow(U8, -1, P)}, b"\0\0\0\x0bssh-ed25519\0\0\0 "

def is_point(raw):
    """Whether 32 bytes are the one spelling of a point of edwards25519 that is not of small order."""
    y = int.from_bytes(raw, "little") & 2**255 - 1
    return y < P and y not in SMALL_Y and pow((y * y - 1) * (D * y * y + 1), P // 2, P) == 1

def is_key(word):
    if word.startswith("ssh-"):
        raw = debase(word[12:])
        return raw[:19] == KEY and is_point(raw[19:])
    data, check, whole = [BECH32.index(c) for c in word[4:]], 1, 0
    for value in [3, 3, 3, 0, 1, 7, 5] + data:
        top, check, whole = check >> 25, (check & 0x1FFFFFF) << 5 ^ value, whole << 5 | value
        for bit, mask in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= mask if top >> bit & 1 else 0
    u = int.from_bytes((whole >> 34 & 2**256 - 1).to_bytes(32, "big"), "little")
    return check == 1 and whole >> 30 & 15 == 0 and u < P and u not in SMALL_U

@functools.lru_cache(None)
def card(vault, name, kind, devices):
    rows = [re.fullmatch(DEVICE, device).groups() for device in devices]
    labels, recipients, signing = ([row[n] for row in rows if row[n]] for n in range(3))
    unique = all(len(set(words)) == len(words) for words in (labels, recipients, signing))
    need(1 <= len(devices) <= 8 and unique, f"the devices of {name}")
    need(all(map(is_key, recipients + signing)), f"a key of {name}")
    text = f'vault = "{vault}"\nname = "{name}"\nkind = "{kind}"\ndevices = {json.dumps(devices)}\n'.encode()
    pairs = {device.split(" ", 1)[1] for device in devices}
    return Record(name=name, kind=kind, devices=pairs, recipients=recipients, signing=signing, text=text,
                  hash=sha(text), keys={*recipients, *signing}, ref=f"{name} {sha(text)}")

# Signatures: ssh-keygen judges the equation, and everything that it might be lax about is judged here.
FOLDER, THREADS = tempfile.TemporaryDirectory(), ThreadPoolExecutor(2 * (os.cpu_count() or 1))

@functools.lru_cache(None)
def signer(blob, namespace, message):
    """The key "ssh-ed25519 BLOB" that made a good signature, or None."""
    key, r, s = blob[14:65], blob[-64:-32], int.from_bytes(blob[-32:], "little")
    pack = lambda data: struct.pack(">I", len(data)) + data
    parts = (key, namespace.encode(), b"", b"sha512", pack(b"ssh-ed25519") + pack(blob[-64:]))
    form = b"SSHSIG\0\0\0\1" + b"".join(map(pack, parts))
    if blob != form or key[:19] != KEY or not is_point(key[19:]) or not is_point(r) or s >= ORDER:
        return None
    public, stem = "ssh-ed25519 " + base64.b64encode(key).decode(), os.path.join(FOLDER.name, os.urandom(16).hex())
    with open(stem, "w") as who, open(stem + ".sig", "w") as sig:
        who.write(f'signer namespaces="{namespace}" {public}\n')
        armor = base64.encodebytes(blob).decode()
        sig.write(f"-----BEGIN SSH SIGNATURE-----\n{armor}-----END SSH SIGNATURE-----\n")
    words = ["ssh-keygen", "-Y", "verify", "-f", who.name, "-I", "signer", "-n", namespace, "-s", sig.name]
    return public if subprocess.run(words, input=message, capture_output=True).returncode == 0 else None

# The roster.
OPS = {"found": "vault_name nonce name kind devices", "admit": "role name kind devices", "remove": "member live",
       "role": "member role live", "renew": "member name kind devices live", "group": "group members live",
       "grant": "path readers live", "merge": "entries", "minimum": "minimum"}
ROLES = ["reader", "writer", "admin"]
PARTS = {"members": {}, "persons": {}, "cards": {}, "stands": set(), "roles": {}, "keys": {}, "groups": {},
         "grants": {}, "live": set(), "minimum": 1}

def entry(text):
    need(text.startswith("[[entry]]\n"), "no entry")
    e = parse(text[10:])
    own = ["card_signature"] * (e.get("op") in ("found", "admit", "renew"))
    keys = ["format", "seq", "prev", "by", "at", "op", *OPS.get(e.get("op"), "").split(), "signature", *own]
    need(list(e) == keys, "an entry with other keys")
    need(e["op"] != "found" or e["vault_name"].strip() and len(e["vault_name"].encode()) <= 64, "vault_name")
    body = text[10:text.rindex('\nsignature = "') + 1].encode()
    return Record(**e, body=body, hash=sha(body))

class State:
    """What a roster says after an entry: last and first cards by name, all cards by NAME CARDHASH, those that stand,
    keys' owners. A group that ended is empty."""

    def __init__(self, before, e):
        self.before, self.entry, self.embedded, self.vault = before, e, [], before.vault if before else e.hash
        self.depth, self.did = before.depth + 1 if before else 0, (set(), set(), set())
        for part, empty in PARTS.items():
            value = getattr(before, part, empty)
            setattr(self, part, value if part == "minimum" else value.copy())

    def present(self, ref):
        """The name of a living member whose present card this is, or None."""
        name = name_of(ref)
        return name if name in self.roles and self.members[name].ref == ref else None

    def points(self):
        """Every entry of the chain and every one embedded in it: body hash to the state there."""
        found, todo = {}, [self]
        while todo:
            state = todo.pop()
            if state and state.entry.hash not in found:
                found[state.entry.hash] = state
                todo += [state.before, *state.embedded]
        return found

    def rule(self, path):
        return self.grants[nearest(path, self.grants)]

    def readers(self, path, shared):
        """The present cards of those who read a path, as NAME CARDHASH."""
        return {self.members[name].ref for holder in self.rule(path) | shared for name in self.named(holder)}

    def named(self, holder):
        """The names of the living whom a holder of a grant stands for."""
        if holder == "@people":
            return {name for name in self.roles if self.members[name].kind == "person"}
        return self.roles.keys() & (self.groups.get(holder[1:], ()) if holder[0] == "@" else {holder})

def nearest(path, paths):
    """The longest of these that is the path or a folder above it."""
    return max((p for p in paths if p in ("", path) or path.startswith(p + "/")), key=len)

def perform(state, e):
    """Does what an entry says, or refuses."""
    check = lambda holds: need(holds, f"entry {e.seq}: {e.op} is not possible")
    if e.op in ("found", "admit", "renew"):
        new, name = card(state.vault, e.name, e.kind, tuple(e.devices)), e.name
        check(e.op != "renew" or state.present(e.member) == name and state.members[name].kind == e.kind)
        check(new.ref not in state.cards and (e.op == "renew" or name not in state.persons))
        check(all(state.keys.setdefault(key, name) == name for key in new.keys))
        own = {ref for ref in state.stands if name_of(ref) == name}
        state.stands -= {ref for ref in own if not state.cards[ref].devices <= new.devices}
        state.members[name] = state.cards[new.ref] = new
        state.persons.setdefault(name, new.ref)
        state.stands.add(new.ref)
        state.roles[name] = {"found": "admin", "admit": getattr(e, "role", "")}.get(e.op) or state.roles[name]
        state.grants.update({"": frozenset(["@people"])} if e.op == "found" else {})
    elif e.op == "remove":
        check(state.roles.pop(state.present(e.member), None))
        state.stands -= {ref for ref in state.stands if name_of(ref) == name_of(e.member)}
    elif e.op == "role":
        name = state.present(e.member)
        check(name and state.roles[name] != e.role)
        state.roles[name] = e.role
    elif e.op == "group":
        names, there = frozenset(map(state.present, e.members)), state.groups.get(e.group)
        check(None not in names and (names and there is None or there and names != there))
        check(names or not any("@" + e.group in grant for grant in state.grants.values()))
        state.groups[e.group] = names
    elif e.op == "grant" and e.readers == ["@inherit"]:
        check(e.path and state.grants.pop(e.path, None))
    elif e.op == "grant":
        subjects = {"@people"} | {"@" + group for group, members in state.groups.items() if members}
        names = frozenset(r if r in subjects else state.present(r) for r in e.readers)
        check(names and None not in names and state.grants.get(e.path) != names)
        state.grants[e.path] = names
    elif e.op == "minimum":
        check(e.minimum > state.minimum)
        state.minimum = e.minimum
    elif e.op == "merge":
        merge(state, e)
    cards = [(state.members[name], role) for name, role in state.roles.items()]
    check(all((c.signing or role == "reader") and (c.kind == "person" or role != "admin") for c, role in cards))
    check("admin" in state.roles.values())
    state.live.update(getattr(e, "live", []))

def extend(before, e):
    """The state after one more entry of a chain: its place, its rules, its signatures."""
    state = State(before, e)
    if before:
        need(e.op != "found" and e.seq == before.entry.seq + 1 and e.prev == before.entry.hash, "the chain is broken")
        admins = [before.members[name] for name, role in before.roles.items() if role == "admin"]
        by = next((admin for admin in admins if admin.hash == e.by), None)
    else:
        need((e.op, e.seq, e.prev, e.by) == ("found", 0, "", "") and e.kind == "person", "the first entry founds")
        by = card(e.hash, e.name, e.kind, tuple(e.devices))
    need(by and signer(debase(e.signature), "covault-roster", e.body) in by.signing, f"the signature of entry {e.seq}")
    perform(state, e)
    if hasattr(e, "card_signature"):
        own = state.members[e.name]
        key = signer(debase(e.card_signature), "covault-card", own.text)
        need(key in (own.signing or by.signing), f"the card's signature in entry {e.seq}")
    return state

def facts(state, paths):
    """Step 1 of a merge: what holds. A person is their first card; a path names "@people", "@GROUP" or a person."""
    who, rule = lambda name: state.persons.get(name, name), {path: state.rule(path) for path in paths}
    reads = {(path, who(name)) for path in paths for holder in rule[path] for name in state.named(holder)}
    found = {("card", who(name_of(ref)), ref) for ref in state.cards} | {("reads", *pair) for pair in reads}
    found |= {("stands", who(name_of(ref)), ref) for ref in state.stands} | {("grant", path) for path in state.grants}
    found |= {("names", path, who(holder)) for path in paths for holder in rule[path]}
    for name, role in state.roles.items():
        now = state.members[name]
        found |= {("lives", who(name)), ("present", who(name), now.ref)}
        found |= {("device", who(name), device) for device in now.devices}
        found |= {(role, who(name)) for role in ROLES[1:ROLES.index(role) + 1]}
    for group, names in state.groups.items():
        found |= {("in", group, who(name)) for name in names} | ({("group", group)} if names else set())
    return found

class Weighed:
    """Step 2: the history of two ends, and what holds by it. Entries are bits, in an order of time."""

    def __init__(self, *ends):
        known = {key: state for end in ends for key, state in end.points().items()}
        order = sorted(known.values(), key=lambda state: state.depth)
        self.paths = {path for state in order for path in {*state.grants, *state.did[2]}}
        self.gave, self.took, self.past, self.counts, bit = {}, {}, [], [], {}
        for n, state in enumerate(order):
            old, new = (facts(side, self.paths) if side else set() for side in (state.before, state))
            more = self.paths - state.did[2] if state.embedded else ()
            spread = lambda did: did | {(fact[0], path, fact[2]) for path in more for fact in did
                                        if fact[0] in ("names", "reads") and fact[1] == nearest(path, state.did[2])}
            gave, took = map(spread, state.did[:2]) if state.embedded else (new - old, old - new)
            marks = state.live - state.before.live if state.before and not state.embedded else ()
            gave = gave | {("live", mark) for mark in marks}
            gave |= {("minimum", state.minimum)} if state.entry.op in ("found", "minimum") else set()
            for events, done in ((self.gave, gave), (self.took, took)):
                for fact in done:
                    events.setdefault(fact, []).append(n)
            bit[state.entry.hash], past = n, 1 << n
            for follows in filter(None, (state.before, *state.embedded)):
                past |= self.past[bit[follows.entry.hash]]
            self.past.append(past)
        self.both = self.past[bit[ends[0].entry.hash]] & self.past[bit[ends[1].entry.hash]]
        for n, state in enumerate(order):
            by, e = state.before, state.entry
            ref = next((ref for ref in by.cards if ref.endswith(" " + e.by)), "") if by else ""
            who = by.persons[name_of(ref)] if by else ""
            need_of = [("lives", who), ("writer", who), ("admin", who), ("stands", who, ref)] if by else []
            beside = lambda t: not self.past[n] >> t & 1 and not self.past[t] >> n & 1
            had = (self.holds(fact, self.past[n] ^ 1 << n) for fact in need_of)
            self.counts.append(all(had) and not any(beside(t) for fact in need_of for t in self.took.get(fact, ())))

    def given(self, fact, among=-1):
        return [n for n in self.gave.get(fact, ()) if among >> n & 1 and self.counts[n]]

    def holds(self, fact, among=-1):
        gave, took = self.given(fact, among), [n for n in self.took.get(fact, ()) if among >> n & 1]
        return bool(gave) and all(any(self.past[g] >> t & 1 for g in gave) for t in took)

    def beside(self, fact):
        """Whether one side took it, and the other did not know."""
        return not all(self.both >> n & 1 for n in self.took.get(fact, ())) and not self.holds(fact)

def merge(state, e):
    known, entries = state.before.points(), [entry(debase(text).decode()) for text in e.entries]
    base = known.get(entries[0].prev) if entries else None
    need(base, "a merge without a base")
    end = functools.reduce(extend, entries, base)
    here, signer = state.before, next(name for name in state.roles if state.members[name].hash == e.by)
    common = {ref for ref in here.stands & end.stands if name_of(ref) == signer}
    need(common and here.roles.get(signer) == end.roles.get(signer) == "admin", "its signer is an admin at both ends")
    settle(state, Weighed(here, end), here, end, here.persons[signer], common)
    state.embedded.append(end)
    state.depth = max(here.depth, end.depth) + 1

def settle(state, weighed, here, end, signer, common):
    """Step 3: the state of what holds."""
    ends = facts(here, weighed.paths), facts(end, weighed.paths)
    held = {fact for fact in ends[0] | ends[1] if weighed.holds(fact)}
    vars(state).update({part: type(empty)() for part, empty in PARTS.items()})
    ours, theirs = ({(side.persons[c.name], ref): c for ref, c in side.cards.items()} for side in (here, end))
    found, both = ours | theirs, here.persons.items() & end.persons.items()
    cut = lambda ref: ref.split(" ")[1]
    rank = lambda item: (item[0] != signer, (name_of(item[0]), item[0]) not in both, cut(item[0]), item[0] != item[1],
                         item not in ours.keys() & theirs.keys(), cut(item[1]))
    for who, ref in sorted(found, key=rank):
        new = found[who, ref]
        free = state.persons.get(new.name) == (who if who != ref and who != signer else None) or who == signer
        owned = all(state.keys.get(key, new.name) == new.name for key in new.keys)
        if free and owned and (("card", who, ref) in held or ref in common):
            state.persons[new.name], state.cards[ref] = who, new
            state.keys.update(dict.fromkeys(new.keys, new.name))
    names = {who: name for name, who in state.persons.items()}
    for name, who in state.persons.items():
        mine = [c for c in state.cards.values() if c.name == name]
        state.members[name] = mine[0]
        good = [c for c in mine if c.ref in common or all(("device", who, d) in held for d in c.devices)]
        good = [c for c in good if who != signer or c.signing]
        if not good or who != signer and ("lives", who) not in held:
            continue
        now = min(good, key=lambda c: (("present", who, c.ref) not in held, -len(c.recipients), c.hash))
        rise = [role for role in ROLES[1:] if who == signer or (role, who) in held]
        top = 2 if len(rise) == 2 and now.kind == "person" else 1 if "writer" in rise else 0
        state.members[name], state.roles[name] = now, ROLES[top if now.signing else 0]
        stand = {c.ref for c in mine if c.devices <= now.devices}
        state.stands |= {ref for ref in stand if ("stands", who, ref) in held or ref in common}
    for group in here.groups.keys() | end.groups.keys():
        if weighed.given(("group", group)):
            there = {names[fact[2]] for fact in held if fact[:2] == ("in", group) and fact[2] in names}
            state.groups[group] = frozenset(there if ("group", group) in held else ())
    taken = lambda path, name: weighed.beside(("reads", path, state.persons[name]))
    for path in sorted(weighed.paths):
        holders = set()
        for holder in (fact[2] for fact in held if fact[:2] == ("names", path)):
            if holder[0] == "@" or holder in names:
                holder = holder if holder[0] == "@" else names[holder]
                left = {name for name in state.named(holder) if not taken(path, name)}
                holders |= {holder} if left == state.named(holder) else left
        if not path or ("grant", path) in held or state.rule(path) != holders:
            state.grants[path] = frozenset(holders)
    state.live = {mark for mark in here.live | end.live if weighed.given(("live", mark))}
    state.minimum = max(fact[1] for fact in weighed.gave if fact[0] == "minimum" and weighed.given(fact))
    holds, now = set(filter(weighed.holds, weighed.gave)), facts(state, weighed.paths)
    holds = {fact for fact in holds if fact[0] not in ("live", "minimum")}
    state.did = now - holds, holds - now, weighed.paths

# Secret files.
STANZA = rf"-> (?:X25519|ssh-ed25519 ({B64}{{6}})) ({B64}{{43}})\n({B64}{{43}})\n"
LONG = rf"((?:{B64}{{64}}\n)*{B64}{{0,63}}\n)"
HEADER = re.compile(rf"age-encryption\.org/v1\n((?:{STANZA})+)-> covault-manifest\n{LONG}-> covault-signature\n{LONG}"
                    rf"--- ({B64}{{43}})\n".encode())
SAYS = ("vault", "id", "aliases", "path", "state", "moved_to", "readers", "shares", "document")
KEYS = ("format vault id aliases path state {} revision parents ancestors roster_seq roster_head roster_blob readers "
        "author shares values at document payload stanzas")

def register(lines):
    """The shares of a manifest: live writes, (subject, name) to "yes" or "no", and those that were replaced."""
    live, past = {}, set()
    for line in lines:
        subject, word, author, time, nonce, old = re.fullmatch(SHARE, line).groups()[1:]
        if old:
            past.add((subject, old))
            continue
        check_time(time)
        parts = *map(str.encode, (f"share.{subject}", "plain text", word, author, time)), bytes.fromhex(nonce)
        name = sha(b"covault-write-1\0" + b"".join(struct.pack(">Q", len(part)) + part for part in parts))[:32]
        live[subject, name] = word
    need(not live.keys() & past, "a share is live and past")
    return live, past

def shared(*versions):
    """The subjects that versions, joined, are shared with."""
    past = set().union(*(m.past for m in versions))
    says = {(write[0], word) for m in versions for write, word in m.live.items() if write not in past}
    return {subject for subject, _ in says if (subject, "no") not in says}

def members(raw):
    """Step 3: the sealed files in a file, itself where it holds no siblings."""
    if not raw.startswith(b"covault-siblings "):
        return [raw]
    found, at = [], 24
    while at < len(raw):
        end = at + 4 + int.from_bytes(raw[at:at + 4], "big")
        found.append(raw[at + 4:end])
        at = end
    head = b"covault-siblings 1\n\0" + struct.pack(">I", len(found))
    need(len(raw) <= 32 << 20 and raw.startswith(head) and at == len(raw), "siblings in another form")
    need(len(found) > 1 and is_sorted(list(map(sha, found))), "siblings out of order, or fewer than two")
    return found

@functools.lru_cache(None)
def version(raw):
    """Step 3: a file's manifest, with the tags of its stanzas and its signature."""
    found = HEADER.match(raw) if len(raw) <= 3 << 20 else None
    need(found, "not a file with our header")
    stanzas, payload = re.findall(STANZA.encode(), found[1]), raw[found.end():]
    need(found.end() <= 65536 + 656 * max(0, len(stanzas) - 100) and 32 <= len(payload) <= 2360320, "a size")
    words = [found[7], *(word for words in stanzas for word in words), *(found[n].replace(b"\n", b"") for n in (5, 6))]
    *_, text, signature = (debase(word.decode(), False) for word in words)
    values = parse(text.decode())
    need(list(values) == KEYS.format("moved_to" * (values.get("state") == "moved")).split(), "other keys")
    m = Record(**values, hash=sha(text), text=text, signature=signature, tags=[tag.decode() for tag, _, _ in stanzas])
    need(m.path and m.path != values.get("moved_to") and is_sorted([m.id, *m.aliases]), "path, moved_to or aliases")
    need(len(m.parents) <= 64 and len(m.ancestors) <= 32 and len(m.shares) <= 512, "a limit")
    need((m.revision == 1) == (not m.parents) and bool(m.ancestors) == bool(m.parents), "revision and parents")
    need(not m.parents or any(parent.startswith(m.ancestors[0]) for parent in m.parents), "ancestors")
    need(not any("@" in ref for ref in m.readers) and len(set(map(name_of, m.readers))) == len(m.readers), "readers")
    need(m.payload == sha(payload) and m.stanzas == sha(raw[:found.end(1)]), "the hash of the payload or the stanzas")
    m.live, m.past = register(m.shares)
    m.message = [line for line in text.decode().split("\n") if line.split(" ")[0] in SAYS]
    return m

def check(roster, path, m):
    """Steps 4 to 10 for a version at PATH."""
    need(roster, "the roster is refused", "roster")
    need(m.vault == roster.vault, "it is of another vault", "vault")
    need(m.path == path, f"it says that it is {m.path}", "path")
    point, own, cards = roster.known.get(m.roster_head), roster.admitted.get(m.author), roster.admitted
    need(point and point.entry.seq == m.roster_seq, "its roster entry is not in the roster", "point")
    need(own and m.author in m.readers, "the author's card is unknown, or no reader", "author")
    need(all(ref in cards for ref in m.readers), "a reader's card is unknown", "reader")
    keys = [key for ref in m.readers for key in cards[ref].recipients]
    tags = [base64.b64encode(hashlib.sha256(debase(key[12:])).digest()[:4]).decode()[:6] if key[0] == "s" else ""
            for key in keys]
    need(m.tags == tags, "the stanzas are not those of the readers' devices", "stanza")
    need(signer(m.signature, "covault-secret", m.text) in own.signing, "not signed by its author", "signature")
    who, granted = name_of(m.author), roster.readers(path, set())  # by a grant: a share is its author's own word
    may = roster.roles.get(who) in ROLES[1:] and m.author in roster.stands and roster.members[who].ref in granted
    need(m.hash in roster.live or may, "its author may not write it now", "standing")
    readers = roster.readers(path, shared(m)) | point.readers(path, shared(m))
    need(readers >= set(m.readers), "a reader does not and did not read there", "entitled")

STEPS = ("roster", "vault", "path", "point", "author", "reader", "stanza", "signature", "standing", "entitled")

FOLDERS = {"secrets": rf"secrets/(?!journal(?:/|\Z))(?P<path>{SECRET})", "journal": rf"(?P<path>journal/{PART})"}

def judge(roster, file, mode, raw):
    """Steps 2 to 10 for a file below secrets/ or journal/: the step that failed, and the versions that count."""
    name, wrong = re.fullmatch(FOLDERS[file.split("/")[0]], file.removesuffix(".age")), []
    try:
        need(mode == "100644" and name and file.endswith(".age"), "not a regular file with a name of ours", "file")
        versions = [version(member) for member in members(raw)]
    except ValueError as bad:
        text, code = reason(bad)
        return Record(code=code, text=text, all=[], versions=[])
    for m in versions:
        try:
            check(roster, name["path"], m)
        except Bad as bad:
            wrong.append(bad.args)
    text, code = min(wrong, key=lambda why: STEPS.index(why[1]), default=("", ""))
    named = {short for m in versions for short in names(m)}
    counting = [m for m in versions if m.hash[:16] not in named]
    return Record(code=code, text=text, all=versions, versions=counting)

def names(m):
    """What a version follows, by the first 8 bytes of their hashes."""
    return [parent[:16] for parent in m.parents] + m.ancestors

def waits(roster, path, r):
    """What is pending of a good file, if anything is."""
    now, sealed = roster.readers(r.all[0].path, shared(*r.versions)), [set(m.readers) for m in r.versions]
    extra = set(map(name_of, set().union(*sealed))) - set(map(name_of, now))
    missing, siblings = set(map(name_of, now.difference(set.intersection(*sealed)))), len(sealed)
    siblings = siblings if siblings > 1 else 0
    about = {"path": path, "extra": sorted(extra), "missing": sorted(missing), "siblings": siblings}
    return about if extra or missing or siblings else None

class Repository:
    def __init__(self, path, root):
        self.root, self.words, pipe = root.strip("/"), ["git", "--no-replace-objects", "-C", path], subprocess.PIPE
        self.batch = subprocess.Popen(self.words + ["cat-file", "--batch"], stdin=pipe, stdout=pipe)
        self.rosters, self.judged = {}, {}

    def git(self, *words):
        done = subprocess.run(self.words + [*words], check=True, capture_output=True)
        return done.stdout.decode(errors="surrogateescape")

    def blob(self, mode, name):
        if mode not in ("100644", "100755"):
            return b""
        self.batch.stdin.write(name.encode() + b"\n")
        self.batch.stdin.flush()
        size = int(self.batch.stdout.readline().split()[2])
        return self.batch.stdout.read(size + 1)[:-1]

    def roster(self, mode, name):
        """Step 1: the state after the last entry, and why there is none."""
        try:
            raw, state = self.blob(mode, name), None
            need(mode == "100644" and len(raw) <= 4 << 20, "no roster, or not a regular file of at most 4 MiB")
            *parts, last = raw.decode().split("\n\n")
            for text in [*(part + "\n" for part in parts), last]:
                state = extend(state, entry(text))
            need(state.minimum == 1, "the roster asks for a newer version than this verifier knows")
        except ValueError as bad:
            return None, reason(bad)[0]
        state.known = state.points()
        new = [s.members[s.entry.name] for s in state.known.values() if hasattr(s.entry, "card_signature")]
        state.admitted = {c.ref: c for c in new}
        return state, ""

    def look(self, commit):
        """What a commit holds: its roster, and each file below secrets and journal with what is judged of it."""
        lines = self.git("ls-tree", "-r", "-z", "--full-tree", commit, "--", self.root).split("\0")[:-1]
        tree = {path: tuple(about.split()[::2]) for about, path in (line.split("\t", 1) for line in lines)}
        at, top = tree.get(self.root + "/roster.toml", ("", "")), len(self.root) + 1
        roster, why = self.rosters[at] = self.rosters.get(at) or self.roster(*at)
        files = {path: about for path, about in tree.items() if path[top:].split("/")[0] in FOLDERS}
        new = [path for path in files if (at, path, files[path]) not in self.judged]
        raws = [self.blob(*files[path]) for path in new]
        found = THREADS.map(lambda path, raw: judge(roster, path[top:], files[path][0], raw), new, raws)
        self.judged.update({(at, path, files[path]): result for path, result in zip(new, found)})
        secrets = {path: self.judged[(at, path, about)] for path, about in files.items()}
        return Record(roster=roster, why=why, there=bool(at[0]), secrets=secrets)

SIGNED = ("", "standing", "entitled")  # what is found of a version that passed steps 2 to 9

def history(repo, revisions, tip, replaced):
    """Checking history. What is bad in a commit is passed over: what the commits before it held counts on. The tip has
    to follow what it replaced, too, which it does not contain."""
    walk = lambda *span: repo.git("rev-list", "--topo-order", "--reverse", "--parents", *span).splitlines()
    given_up = [line.split() for line in walk(replaced, "^" + tip)] if replaced else []
    lines = [line.split() for line in walk(revisions)]
    ends = [[tip], [replaced]] if replaced else [[tip]]
    looks = {commit: repo.look(commit) for line in [*given_up, *lines, *ends] for commit in line}
    signed = (r for look in looks.values() for r in look.secrets.values() if r.code in SIGNED)
    known = {m.hash[:16]: m for r in signed for m in r.all}

    def kept(r, old):
        """Whether a file holds a version, or one that is, or descends from, one that says the same."""
        met, new = set(), {m.hash[:16] for m in r.versions if r.code in SIGNED}
        while new and old[:16] not in met:
            met |= new
            new = {short for m in new & known.keys() for short in names(known[m])} - met
        same = (known[m].message == known[old[:16]].message for m in met & known.keys())
        return any(m.hash == old for m in r.versions) or old[:16] in met or any(same)

    newest, findings = {}, []  # commit to the newest roster entries, and path to the newest good versions

    def settle(commit, parents):
        look, before = looks[commit], [newest[parent] for parent in parents]
        older = set().union(*(heads for heads, _ in before)) if look.there else set()
        heads = {look.roster.entry.hash} if look.roster else older
        old = lambda path: set().union(*(b[1].get(path, set()) for b in before))
        good = lambda r: {m.hash for m in r.versions}
        newest[commit] = heads, {p: old(p) if r.code else good(r) for p, r in look.secrets.items()}

    def compare(commit, parent):
        look, (heads, versions) = looks[commit], newest[parent]
        if not heads <= set(look.roster.known if look.roster else ()):
            findings.append(("roster-rollback", repo.root + "/roster.toml", commit, "the roster is gone or older"))
        for path, olds in versions.items():
            r = look.secrets.get(path)
            if r is None:
                findings.extend([("removed", path, commit, "the file is gone")] if olds else [])
            elif not all(kept(r, old) for old in olds):
                findings.append(("rollback", path, commit, "it does not descend from the version before"))

    def begin(commit):
        """Settles where the range begins: what is bad there is passed over by what its own history has."""
        settle(commit, [])
        heads, versions = newest[commit]
        look = looks[commit]
        bad = {path for path, r in look.secrets.items() if r.code}
        asked, rest = set(), [(commit, bad, look.there and not look.roster)]
        while rest:
            at, paths, lacks_roster = rest.pop()
            for parent in (repo.git("rev-parse", at + "^@").split() if paths or lacks_roster else []):
                wanted = {path for path in paths if (parent, path) not in asked}
                lacks = lacks_roster and (parent, "") not in asked
                asked |= {(parent, path) for path in wanted} | ({(parent, "")} if lacks else set())
                look = repo.look(parent) if wanted or lacks else None
                if lacks and look.roster:
                    heads.add(look.roster.entry.hash)
                there = {path: look.secrets[path] for path in wanted if path in look.secrets}
                for path, r in there.items():
                    known.update({m.hash[:16]: m for m in r.all} if r.code in SIGNED else {})
                    versions[path] |= set() if r.code else {m.hash for m in r.versions}
                bad = {path for path, r in there.items() if r.code}
                rest.append((parent, bad, lacks and look.there and not look.roster))

    for commit, *parents in given_up + lines:
        for parent in parents:
            if parent not in newest:
                begin(parent)
        settle(commit, parents)
    if replaced and replaced not in newest:
        begin(replaced)
    for commit, *parents in lines:
        for parent in parents:
            compare(commit, parent)
    if replaced:
        compare(tip, replaced)
    return findings

def replaces(repo, span, tip, pushed):
    """The beginning of a range, where its end has to follow it and does not contain it."""
    old = repo.git("rev-parse", "--verify", "--end-of-options", (span.split("..")[0] or "HEAD") + "^{commit}").strip()
    is_cut = repo.git("rev-parse", "--is-shallow-repository").strip() == "true"
    related = subprocess.run(repo.words + ["merge-base", old, tip], capture_output=True).stdout
    is_due = pushed or not (related or is_cut)
    return old if is_due and repo.git("rev-list", "-1", old, "^" + tip) else None

def main(words=None):
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("repo")
    options.add_argument("--rev", help="the commit to judge (default: the end of the range, or HEAD)")
    options.add_argument("--history", action="store_true", help="check all of the commit's history")
    options.add_argument("--range", metavar="A..B", help="check the history in this range")
    options.add_argument("--pushed", action="store_true", help="B took the place of A, and has to follow it")
    options.add_argument("--expect", metavar="VAULTID[@HEAD]", help="the vault's id, and an entry that it must have")
    options.add_argument("--root", default=".covault", help="the vault's folder")
    args = options.parse_args(words)
    repo = Repository(args.repo, args.root)
    rev = args.rev or (args.range or "").split("..")[-1] or "HEAD"
    commit = repo.git("rev-parse", "--verify", "--end-of-options", rev + "^{commit}").strip()
    look, (vault, _, pin) = repo.look(commit), (args.expect or "").partition("@")
    why = look.why or (vault and vault != look.roster.vault and f"the vault is {look.roster.vault}")
    why = why or (pin and pin not in look.roster.known and "the expected entry is not in the roster")
    results = {} if why else look.secrets
    findings = [("roster", repo.root + "/roster.toml", commit, why)] if why else []
    findings += [(r.code, path, commit, r.text) for path, r in results.items() if r.code]
    replaced = replaces(repo, args.range, commit, args.pushed) if args.range else None
    findings += history(repo, args.range or commit, commit, replaced) if args.range or args.history else []
    pending = [waits(look.roster, path, r) for path, r in sorted(results.items()) if not r.code]
    out = {"verdict": "bad" if findings else "good", "commit": commit,
           "findings": [dict(zip(("code", "path", "commit", "text"), found)) for found in sorted(set(findings))],
           "pending": list(filter(None, pending))}
    if (args.history or args.range) and repo.git("rev-parse", "--is-shallow-repository").strip() == "true":
        out["shallow"] = "the clone is shallow: what it does not have is not judged"
    print(json.dumps(out, indent=1))
    return 6 if findings else 0

if __name__ == "__main__":
    sys.exit(main())
