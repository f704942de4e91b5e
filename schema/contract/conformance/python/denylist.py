"""The denylist, only from denylist.json. The schemas only determine which segments of a pointer need no mask."""

import json
import re


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
        words = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", key)
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

    def value_rules(self, text):
        if text in self.innocent_words or any(shape.search(text) for shape in self.innocent_shapes):
            return set()
        return {rule for rule, pattern in self.patterns if pattern.search(text)}
