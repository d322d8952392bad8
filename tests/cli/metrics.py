#!/usr/bin/python3
"""Reads a file of metrics as Prometheus does (text format 0.0.4), says what is wrong with it, and prints each sample as
"name{label=value,...} number" with labels in order. Exit status 1: something is wrong."""
import re
import sys

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"')
NUMBER = re.compile(r"[+-]?(\d+(\.\d+)?([eE][+-]?\d+)?|Inf|NaN)$")

wrong = []


def complain(number, text):
    wrong.append(f"line {number}: {text}")


def read_labels(number, line, at):
    labels = {}
    at += 1
    while line[at : at + 1] != "}":
        match = LABEL.match(line, at)
        if not match:
            complain(number, f"no label at byte {at}")
            return labels, len(line)
        name, value = match.groups()
        if name in labels:
            complain(number, f"label {name} twice")
        if name.startswith("__"):
            complain(number, f"label {name} is reserved")
        if any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 for c in value):
            complain(number, "a control character")
        labels[name] = re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], value)
        at = match.end()
        if line[at : at + 1] == ",":
            at += 1
        elif line[at : at + 1] != "}":
            complain(number, f"no comma at byte {at}")
            return labels, len(line)
    return labels, at + 1


def main(path):
    data = open(path, "rb").read()
    if data and not data.endswith(b"\n"):
        wrong.append("the last line has no end")
    families, current, seen, order = {}, None, set(), []
    for number, line in enumerate(data.decode("utf-8").split("\n")[:-1], 1):
        if line.startswith("# "):
            word, name, *rest = line[2:].split(" ", 2)
            if word == "HELP":
                if name in families:
                    complain(number, f"{name} has help twice, or its samples are not together")
                families[name] = {"type": None, "n": 0}
                if not rest or not rest[0].strip():
                    complain(number, f"{name} has no help")
            elif word == "TYPE":
                if name not in families or families[name]["n"] or families[name]["type"]:
                    complain(number, f"the type of {name} stands at the wrong place")
                if rest != ["gauge"]:
                    complain(number, f"{name} is no gauge: {rest}")
                families.setdefault(name, {"n": 0})["type"] = "gauge"
            current = name
            continue
        match = NAME.match(line)
        if not match:
            complain(number, "no name")
            continue
        name = match[0]
        labels, at = read_labels(number, line, match.end()) if line[match.end() : match.end() + 1] == "{" else ({}, match.end())
        if line[at : at + 1] != " " or not NUMBER.match(line[at + 1 :]):
            complain(number, f"no number at byte {at}")
        if name != current or name not in families or families[name]["type"] is None:
            complain(number, f"{name} stands apart from its help and type")
        families.setdefault(name, {"n": 0})["n"] += 1
        key = name + "{" + ",".join(f"{k}={v}" for k, v in sorted(labels.items())) + "}"
        if key in seen:
            complain(number, f"{key} twice")
        seen.add(key)
        order.append(f"{key} {line[at + 1:]}")
        # What promtool lints: units at the end, no type in the name.
        if name.endswith(("_total", "_count", "_sum", "_bucket", "_gauge")):
            complain(number, f"{name} is called like another type")
    for name, family in families.items():
        if not family["n"]:
            wrong.append(f"{name} has no sample")
    print("\n".join(order))
    print("\n".join(wrong), file=sys.stderr)
    return 1 if wrong else 0


sys.exit(main(sys.argv[1]))
