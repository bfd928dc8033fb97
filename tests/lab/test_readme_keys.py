# SPDX-License-Identifier: BSD-3-Clause
"""The README's tables of keys and the model that the router reads by say the same."""

import json
import re
import subprocess

import pytest
from home import REPO, build_dir

RULE = "RULE"  # stands in paths for a rule of the firewall, which has a table of its own


def code_words(text):
    return {word for span in re.findall(r"`([^`]*)`", text) for word in re.findall(r"[\w./-]+", span)}


def readme_rows():
    """Path of each key in the tables, and what its row says. A cell has a path and its siblings."""
    section = (REPO / "README.md").read_text().split("\n## The file\n")[1]
    tables = re.findall(r"^\| key \| is \|\n\|---\|---\|\n((?:\|.*\n)+)", section, re.MULTILINE)
    assert len(tables) == 2
    rows = {}
    for table, parent in zip(tables, ("", RULE + ".")):
        for line in table.splitlines():
            keys, text = line.strip("| ").split(" | ", 1)
            first, *siblings = re.findall(r"`([^`]+)`", keys)
            first = parent + first
            for path in (first, *(first.rpartition(".")[0] + "." + key for key in siblings)):
                assert path not in rows, f"{path} is in the README twice"
                rows[path] = text
    return rows


class Model:
    """Path of each key that the schema has, and its schema."""

    def __init__(self, schema):
        self.schema = schema
        self.keys = {}
        self.walk("", schema)
        self.walk(RULE + ".", schema["$defs"]["rule"])

    def walk(self, parent, schema):
        for key, value in schema.get("properties", {}).items():
            self.add(parent + key, value)

    def resolve(self, schema):
        return self.schema["$defs"][schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema

    def add(self, path, schema):
        self.keys[path] = schema
        if schema.get("items") == {"$ref": "#/$defs/rule"}:
            return
        if "additionalProperties" in schema and "properties" not in schema:
            named = self.resolve(schema["additionalProperties"])
            self.keys[path + ".NAME"] = named
            self.walk(path + ".NAME.", named)
        elif "items" in schema:
            self.walk(path + "[].", self.resolve(schema["items"]))
        else:
            for one in schema.get("anyOf", [schema]):  # `yes` may stand for an object
                self.walk(path + ".", one)


def consts(schema):
    """The words that a value is one of."""
    found = [schema["const"]] if isinstance(schema.get("const"), str) else []
    for inner in schema.get("anyOf", []):
        found += consts(inner)
    return set(found)


@pytest.fixture(scope="module", name="model")
def make_model():
    text = subprocess.run([build_dir() / "millrace", "schema"], check=True, capture_output=True, text=True).stdout
    return Model(json.loads(text))


@pytest.fixture(scope="module", name="rows")
def make_rows():
    return readme_rows()


def row_of(path, rows):
    """The row that is about the key: its own, or one that its parents have and that names it."""
    if path in rows:
        return rows[path]
    parent, _, key = path.rpartition(".")
    while parent:
        if key in code_words(rows.get(parent, "")):
            return rows[parent]
        parent = parent.rpartition(".")[0]
    return None


def is_told_by_its_parts(path, rows):
    return any(row.startswith((path + ".", path + "[]")) for row in rows)


def is_of_one_interface(path, model):
    """`hygiene.interfaces.NAME` has keys of `hygiene`."""
    parent, _, key = path.rpartition(".interfaces.NAME.")
    return parent == "firewall.hygiene" and f"{parent}.{key}" in model.keys


def test_every_key_is_in_the_readme(model, rows):
    missing = [
        path
        for path in model.keys
        if row_of(path, rows) is None
        and not is_told_by_its_parts(path, rows)
        and not is_of_one_interface(path, model)
    ]
    assert missing == []


def test_no_other_key_is_in_the_readme(model, rows):
    assert [path for path in rows if path not in model.keys] == []


def test_every_word_of_a_choice_and_every_default_is_told(model, rows):
    untold = {}
    for path, schema in model.keys.items():
        row = row_of(path, rows)
        if row is None:
            continue
        words = set(re.findall(r"[\w/.-]+", row))
        expected = consts(schema)
        if not isinstance(schema.get("default", True), bool):
            expected.add(str(schema["default"]))
        if expected - words:
            untold[path] = expected - words
    assert untold == {}
