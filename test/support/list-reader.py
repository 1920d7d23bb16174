"""A reading of block lists by other code than Cordon's: which of some names a list refuses.

Usage: list-reader.py FORMAT FILE NAME...; prints each name that a question of type A is refused for.
Formats: hosts, domains, wildcard, adblock (as AdGuard documents its rules for DNS) and grep (extended expressions).
"""

import re
import subprocess
import sys

NAME = re.compile(r"(?=.{1,253}$)(?:[a-z0-9_-]{1,63}\.)+(?!\d+$)[a-z0-9_-]{1,63}")
LOCAL = {"localhost", "localhost.localdomain", "broadcasthost"}


def name_of(text):
    text = text.lower().removesuffix(".")
    return text if NAME.fullmatch(text) else None


def below(name, zone):
    return name.endswith("." + zone)


def hosts(lines):
    """Names of hosts(5): each exactly."""
    found = set()
    for line in lines:
        fields = line.split("#")[0].split()
        if not fields or not re.fullmatch(r"[0-9.]+|[0-9a-f:.]*:[0-9a-f:.]*(%\w+)?", fields[0]):
            continue
        found |= {n for n in map(name_of, fields[1:]) if n and n not in LOCAL}
    return lambda name: name in found


def names(lines, plain_covers, star_covers_itself):
    exact, wide = set(), set()
    for line in lines:
        line = re.sub(r"\s#.*", "", line).strip()
        if not line or line[0] in "#!;[":
            continue
        star, dot = line.startswith("*."), line.startswith(".")
        name = name_of(line[2:] if star else line[1:] if dot else line)
        if name is None:
            continue
        if star or dot or plain_covers:
            wide.add(name)
        if dot or not star or star_covers_itself:
            exact.add(name)
    return lambda name: name in exact or any(below(name, zone) for zone in wide)


def adblock_pattern(text):
    """A rule's pattern as an expression over host names; None for what is no rule for names."""
    if text.startswith("/") and text.endswith("/") and len(text) > 2:
        return re.compile(text[1:-1], re.I)
    if "/" in text:
        return None
    if name_of(text) is not None:
        return re.compile("^" + re.escape(text) + "$", re.I)
    body, start, end = text, "", ""
    if body.startswith("||"):
        body, start = body[2:], r"^(?:[^.]+\.)*?"
    elif body.startswith("|"):
        body, start = body[1:], "^"
    if body.endswith("|"):
        body, end = body[:-1], "$"
    middle = re.escape(body).replace(r"\*", ".*").replace(r"\^", r"(?:[^\w.%-]|$)")
    return re.compile(start + middle + end, re.I)


def adblock(lines):
    rules, off = [], set()
    for line in lines:
        line = line.strip()
        if not line or line[0] in "!#[" or re.search(r"#@?[$?%]?#", line):
            continue
        if " " in line:
            rules.append((0, hosts([line])))
            continue
        allow = line.startswith("@@")
        text = line[2:] if allow else line
        slash = text.rfind("/") if text.startswith("/") else -1
        cut = text.find("$", slash + 1)
        pattern, options = (text, []) if cut < 0 else (text[:cut], text[cut + 1 :].split(","))
        if "badfilter" in options:
            off.add((allow, pattern, tuple(sorted(set(options) - {"badfilter"}))))
            continue
        rules.append((allow, pattern, options))
    judged = []
    for rule in rules:
        if len(rule) == 2:
            judged.append((0, False, rule[1]))
            continue
        allow, pattern, options = rule
        if (allow, pattern, tuple(sorted(options))) in off:
            continue
        entry = compile_rule(allow, pattern, options)
        if entry is not None:
            judged.append(entry)

    def refuses(name):
        hits = [(rank, allow) for rank, allow, matches in judged if matches(name)]
        return bool(hits) and not max(hits)[1]

    return refuses


def compile_rule(allow, pattern, options):
    expression, rank, excepted = adblock_pattern(pattern), 2 if allow else 1, []
    if expression is None:
        return None
    for option in options:
        key, _, value = option.partition("=")
        if key == "important":
            rank += 2
        elif key == "denyallow":
            excepted = value.split("|")
        elif key == "dnstype":
            types = value.split("|")
            if any(t.lstrip("~") not in {"A", "AAAA", "TXT", "HTTPS"} for t in types):
                return None
            wanted = [t for t in types if not t.startswith("~")]
            if ("A" not in wanted) if wanted else ("~A" in types):
                return None
        else:
            return None
    return rank, allow, lambda n: bool(expression.search(n)) and not any(
        n == e or below(n, e) for e in excepted
    )


def grep(lines):
    """Expressions by grep, whose classes are those of POSIX; of Pi-hole's options those for other types are left out."""
    expressions = []
    for line in lines:
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        expression, _, option = line.partition(";")
        if option in ("", "querytype=A"):
            expressions += ["-e", expression]

    def refuses(name):
        run = subprocess.run(["grep", "-qE", *expressions], input=name.encode(), check=False)
        return run.returncode == 0

    return refuses


def main():
    style, path, *asked = sys.argv[1:]
    with open(path, encoding="utf-8", newline="") as file:
        lines = file.read().replace("\r\n", "\n").split("\n")
    refuses = {
        "hosts": lambda: hosts(lines),
        "domains": lambda: names(lines, True, False),
        "wildcard": lambda: names(lines, False, True),
        "adblock": lambda: adblock(lines),
        "regex": lambda: grep(lines),
    }[style]()
    for name in asked:
        if refuses(name):
            print(name)


main()
