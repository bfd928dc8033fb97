# SPDX-License-Identifier: BSD-3-Clause
"""What `millrace schema` prints is what editors check a file by: it agrees with `millrace check`."""

import json
import re
import subprocess

import pytest
import yaml
from home import REPO, build_dir
from jsonschema import Draft202012Validator

EXAMPLES = sorted((REPO / "cfg/examples").glob("*.yaml"))


class CoreLoader(yaml.SafeLoader):
    """YAML 1.2 as editors read it: `off` is a word and 12:30 no number."""

    yaml_implicit_resolvers = {}


for tag, pattern, first in (
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("int", r"^(?:[-+]?[0-9]+|0x[0-9a-fA-F]+)$", "-+0123456789"),
    ("float", r"^[-+]?[0-9]*\.[0-9]+(?:[eE][-+]?[0-9]+)?$", "-+.0123456789"),
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
):
    CoreLoader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), list(first))


@pytest.fixture(scope="module", name="validator")
def make_validator():
    text = subprocess.run([build_dir() / "millrace", "schema"], check=True, capture_output=True, text=True).stdout
    schema = json.loads(text)
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def faults(validator, text):
    return [error.message for error in validator.iter_errors(yaml.load(text, CoreLoader))]


def router_takes(text, tmp_path):
    path = tmp_path / "router.yaml"
    path.write_text(text)
    return subprocess.run([build_dir() / "millrace", "check", path], capture_output=True).returncode == 0


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_every_example_passes(validator, path):
    assert faults(validator, path.read_text()) == []


ROUTER = """
ports: {p: {match: {name: eth1}}, q: {driver: tap}}
interfaces: {wan: {port: p, addresses: 203.0.113.2/24}, lan: {port: q, addresses: [198.18.0.1/24, "2001:db8::1/64"]}}
zones: {home: {interfaces: lan}}
sets: {office: {addresses: [198.18.0.9, 198.18.1.0/24, 198.18.2.1-198.18.2.9, "::1"]}, web: {ports: [80, 443, 8000-8099, https]}}
"""

GOOD = (
    "workers: {cores: [0, 1], idle: busy}\n",
    "ports: {n: {driver: null}, m: {driver: 'null'}}\n",
    "ports: {c: {driver: pcap, rx-file: in.pcap, repeat: true}}\n",
    "ports:\ninterfaces: {}\nroutes:\nnat: []\nfirewall:\n",
    ROUTER + "routes: [{to: '::/0', via: ['fe80::1', 'fe80::2'], interface: lan}, {to: 0.0.0.0/0, interface: wan}]\n",
    ROUTER + "firewall: {input: [{from: [home, none], source: not office, port: [web, 22], action: accept}]}\n",
    ROUTER + "firewall: {input: [{source: '!198.18.0.0/16', protocol: [tcp, 17], dscp: [46, ef, 12], count: c}]}\n",
    ROUTER + "firewall: {input: [{icmp: [echo-request, 3/4, 8], icmp6: 128, rate: over 10/m burst 5 per source, action: drop}]}\n",
    ROUTER + "firewall: {input: [{tcp-flags: [syn, not ack], mark: 0x10/0xff, set-mark: 7, log: 12}]}\n",
    ROUTER + "firewall: {input: [{time: ['mon-fri 08:00-18:00', 22:00-06:00, 'sat,sun'], state: new, action: reject}]}\n",
    ROUTER + "firewall: {lists: {a: [{action: return}], b: []}, hygiene: {reverse-path: off, land: false}}\n",
    ROUTER + "nat: [{masquerade: wan, family: both}, {forward: {to: 198.18.0.7, ports: 80}, interface: wan}]\n",
)


@pytest.mark.parametrize("text", GOOD)
def test_what_the_router_takes_passes(validator, text, tmp_path):
    assert router_takes(text, tmp_path)
    assert faults(validator, text) == []


BROKEN = (
    "include: {a: b}\n",
    "include: [a.yaml, '']\n",
    "port: {}\n",
    "workers: {cores: -1}\n",
    "workers: {cores: 1024}\n",
    "workers: {idle: lazy}\n",
    "memory: [hugepages]\n",
    "flows: {capacity: 12}\n",
    "flows: {timeouts: {icmp: 60}}\n",
    "flows: {timeouts: {icmp: 1m1h}}\n",
    "ports: [p]\n",
    "ports: {1st: {driver: tap}}\n",
    "ports: {a-name-that-is-too-long: {driver: tap}}\n",
    "ports: {p: {}}\n",
    "ports: {p: {match: {name: eth1, pci: '0000:03:00.0'}}}\n",
    "ports: {p: {match: {pci: '03:00.0'}}}\n",
    "ports: {p: {match: {mac: 02-00-00-00-00-01}}}\n",
    "ports: {p: {driver: memif}}\n",
    "ports: {p: {driver: tap, socket: /run/a.sock}}\n",
    "ports: {p: {match: {name: eth1}, repeat: true}}\n",
    "ports: {p: {match: {name: eth1}, mtu: 67}}\n",
    "ports: {p: {match: {name: eth1}, mtu: big}}\n",
    "ports: {p: {match: {name: eth1}, colour: red}}\n",
    "ports: {p: {driver: tap}}\ninterfaces: {lo: {port: p}}\n",
    "interfaces: {lan: {}}\n",
    ROUTER.replace("198.18.0.1/24", "198.18.0.1"),
    ROUTER.replace("198.18.0.1/24", "198.18.0.256/24"),
    ROUTER.replace("198.18.0.1/24", "198.18.0.1/33"),
    ROUTER.replace("2001:db8::1/64", "2001:db8:::1/64:"),
    ROUTER.replace("198.18.0.9", "198.18.0"),
    ROUTER.replace("8000-8099", "8000-"),
    ROUTER.replace("https", "htps"),
    ROUTER + "routes: [{via: 203.0.113.1}]\n",
    ROUTER + "routes: [{to: default, via: 203.0.113.1}]\n",
    ROUTER + "routes: [{to: 0.0.0.0/0, via: []}]\n",
    ROUTER + "routes: [{to: 0.0.0.0/0, via: 203.0.113.1, metric: 4294967296}]\n",
    ROUTER + "routes: {to: 0.0.0.0/0, via: 203.0.113.1}\n",
    ROUTER + "firewall: {defaults: {input: continue}}\n",
    ROUTER + "firewall: {input: [{action: acept}]}\n",
    ROUTER + "firewall: {input: [{port: 65536, action: accept}]}\n",
    ROUTER + "firewall: {input: [{protocol: 256, action: accept}]}\n",
    ROUTER + "firewall: {input: [{icmp: 3/4/5, action: accept}]}\n",
    ROUTER + "firewall: {input: [{rate: 5, action: accept}]}\n",
    ROUTER + "firewall: {input: [{rate: 5/w, action: accept}]}\n",
    ROUTER + "firewall: {input: [{time: 8-18, action: accept}]}\n",
    ROUTER + "firewall: {input: [{mark: -1, action: accept}]}\n",
    ROUTER + "firewall: {input: [{tcp-flags: sin, action: accept}]}\n",
    ROUTER + "firewall: {input: [{dscp: 64, action: accept}]}\n",
    ROUTER + "firewall: {input: [{add-to: {}}]}\n",
    ROUTER + "firewall: {hygiene: {land: maybe}}\n",
    ROUTER.replace("zones: {home", "zones: {any"),
    ROUTER + "nat: [{forward: {ports: 80}, interface: wan}]\n",
    ROUTER + "nat: [{one-to-one: {inside: 198.18.0.7}}]\n",
)


@pytest.mark.parametrize("text", BROKEN)
def test_what_the_router_refuses_fails(validator, text, tmp_path):
    assert not router_takes(text, tmp_path)
    assert faults(validator, text)


def test_each_key_says_what_it_is(validator):
    def described(schema):
        for key, value in schema.get("properties", {}).items():
            assert value.get("description"), key
            described(value)

    schema = validator.schema
    described(schema)
    for definition in schema["$defs"].values():
        described(definition)
    assert schema["properties"]["state"]["properties"]["file"]["default"] == "/var/lib/millrace/state.db"
    assert schema["$defs"]["port"]["properties"]["allow-no-iommu"]["default"] is False
