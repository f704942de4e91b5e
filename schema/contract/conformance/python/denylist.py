"""The denylist, from denylist.json alone. The schemas only tell which segments of a pointer need no mask."""

import base64
import json
import re
import unicodedata


def compiled(pattern, ignore_case=False):
    """Python's `$` also matches before a trailing line feed; `\\Z` does not."""
    exact = re.sub(r"(?<!\\)\$", r"\\Z", pattern)
    return re.compile(exact, re.ASCII | (re.IGNORECASE if ignore_case else 0))


def property_names(schema):
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        schema = list(schema.values())
    for part in schema if isinstance(schema, list) else []:
        yield from property_names(part)


class Refused(Exception):
    """A rule about the document as a whole trips."""


class Members(list):
    """The members of an object, duplicates included."""


class Denylist:
    def __init__(self, rules, schemas):
        self.limits, self.keys, self.values = rules["document"], rules["keys"], rules["values"]
        self.known = {name for schema in schemas for name in property_names(schema)}
        self.key_shape = compiled(self.keys["shape_pattern"])
        self.exempt = {p + e["pointer"] for p in self.keys["exempt_prefixes"] for e in self.keys["exempt"]}
        self.tokens = set(self.keys["tokens"])
        self.sequences = {tuple(pair) for pair in self.keys["sequences"]}
        self.innocent_words = set(self.values["innocent_words"])
        self.innocent_shapes = [compiled(shape["pattern"]) for shape in self.values["innocent_shapes"]]
        self.patterns = [(r["id"], compiled(r["pattern"], r["ignore_case"])) for r in self.values["rules"]]
        decodings = self.values["decodings"]
        self.max_depth = decodings["max_depth"]
        self.invisible = decodings["invisible"]
        self.piece, self.text = compiled(decodings["piece_pattern"]), compiled(decodings["text_pattern"])
        self.steps = {s["id"]: compiled(s["pattern"]) for s in decodings["steps"] if "pattern" in s}

    def masked(self, path):
        return "".join(f"/{p if isinstance(p, int) or p in self.known else '*'}" for p in path)

    def read(self, data):
        """The document, and the first rule about it as a whole that trips with its pointer."""
        if len(data) > self.limits["max_bytes"]:
            return None, [("size", "")]
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            return None, [("utf8", "")]
        try:
            members = json.loads(text, object_pairs_hook=Members, parse_constant=self.no_constant)
            json.dumps(members, ensure_ascii=False).encode("utf-8")  # Half a character cannot be encoded.
        except (ValueError, RecursionError):
            return None, [("syntax", "")]
        fault = self.structure(members, [])
        return json.loads(text), [fault] if fault else []

    @staticmethod
    def no_constant(name):
        raise ValueError(name)

    def structure(self, value, path):
        if isinstance(value, list):
            if len(path) == self.limits["max_depth"]:
                return "depth", self.masked(path)
            members, seen = value if isinstance(value, Members) else enumerate(value), set()
            for key, member in members:
                if key in seen:
                    return "duplicate_key", self.masked([*path, key])
                seen.add(key)
                if fault := self.structure(member, [*path, key]):
                    return fault
        return None

    def walk(self, value, path=()):
        """Every rule for keys and values that trips, with its masked pointer."""
        if isinstance(value, str):
            yield from ((rule, self.masked(path)) for rule in self.value_rules(value))
        elif isinstance(value, (dict, list)):
            for key, member in value.items() if isinstance(value, dict) else enumerate(value):
                place = (*path, key)
                if isinstance(key, str):
                    yield from ((rule, self.masked(place)) for rule in self.key_rules(key, self.masked(place)))
                yield from self.walk(member, place)

    def key_rules(self, key, pointer):
        if not self.key_shape.search(key):
            yield self.keys["shape"]["id"]
        words = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", self.plain(key))
        words = re.sub(r"([A-Z])([A-Z][a-z])", r"\1 \2", words)
        forms = [self.forms_of(word.lower()) for word in re.split(r"[^A-Za-z0-9]+", words) if word]
        if pointer in self.exempt:
            return
        if any(forms_of_one & self.tokens for forms_of_one in forms):
            yield self.keys["token"]["id"]
        if any((a, b) in self.sequences for first, second in zip(forms, forms[1:]) for a in first for b in second):
            yield self.keys["sequence"]["id"]

    @staticmethod
    def forms_of(word):
        bare = (word, word.rstrip("0123456789"))
        return {f for b in bare for f in (b, re.sub("s$", "", b), re.sub("es$", "", b), re.sub("ies$", "y", b))}

    def value_rules(self, text, depth=0):
        if text in self.innocent_words or any(shape.search(text) for shape in self.innocent_shapes):
            return set()
        found = {rule for rule, pattern in self.patterns if pattern.search(text)}
        if depth < self.max_depth:
            found |= {rule for form in self.decoded(text) for rule in self.value_rules(form, depth + 1)}
        return found

    def plain(self, text):
        normal = unicodedata.normalize("NFKC", text)
        return "".join(c for c in normal if not any(first <= ord(c) <= last for first, last in self.invisible))

    def decoded(self, text):
        if self.plain(text) != text:
            yield self.plain(text)
        if self.steps["percent"].search(text):
            raw = re.sub(rb"%([0-9A-Fa-f]{2})", lambda m: bytes.fromhex(m[1].decode()), text.encode())
            try:
                yield raw.decode("utf-8")
            except UnicodeDecodeError:
                pass
        for part in [text, *self.piece.findall(text)]:
            for data in self.bytes_of(part):
                if self.text.search(form := data.decode("latin-1")):
                    yield form

    def bytes_of(self, part):
        body = part.rstrip("=")
        if self.steps["base64"].search(part) and len(body) % 4 != 1:
            yield base64.urlsafe_b64decode(body.replace("+", "-").replace("/", "_") + "=" * (-len(body) % 4))
        if self.steps["hex"].search(part):
            yield bytes.fromhex(part.removeprefix("0x"))
