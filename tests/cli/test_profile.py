"""`nassim profile`, as a user runs it."""

import json
import re

import pytest
from commands import nassim

from nassim.cli.profile import difference_rows, sign_of_life
from nassim.cost.profile import AMOUNTS
from search_spaces.cell import Cell
from search_spaces.chain import Chain

SMALL = ("-p", "width=4", "-p", "cells=1", "-p", "input_shape=[1, 8, 8]")
TEXT = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|avg_pool_3x3~1|skip_connect~2|"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("profile")


def test_a_network_as_text(folder):
    profile = Cell(width=4, cells=1, input_shape=(1, 8, 8)).profile(Cell.from_string(TEXT))
    done = nassim("profile", "cell", TEXT, *SMALL, "--layers", folder=folder, COLUMNS="120")
    assert done.returncode == 0, done.stderr
    assert re.search(rf"^forward +\d+ kFLOP +{profile.forward_flop:,}$", done.stdout, re.M)
    assert re.search(r"^0 +Conv2d +4x8x8 +36 +4\.61 k +4\.61 k +0 ", done.stdout, re.M)
    assert "where torch's counter differs" not in done.stdout


def test_a_network_as_json(folder):
    cell = Cell(width=4, cells=1, input_shape=(1, 8, 8))
    architecture = Cell.from_string(TEXT)
    done = nassim("profile", "cell", architecture.to_json(), *SMALL, "--layers", "--format", "json", folder=folder)
    document, profile = json.loads(done.stdout), cell.profile(architecture)
    assert document["architecture"] == dict(architecture)
    assert {name: document[name] for name in AMOUNTS} == {name: getattr(profile, name) for name in AMOUNTS}
    assert document["saved_bytes"] == cell.training_memory(architecture).saved_bytes
    for name in AMOUNTS:
        assert sum(layer[name] for layer in document["layers"]) == document[name]
    assert document["differences"] == []


def test_where_torch_s_counter_differs_both_figures_are_shown(folder):
    chain = Chain(width=4, head=16)
    architecture = chain.canonical({choice.name: "mb3_k3" for choice in chain.domain.choices})
    arguments = ("profile", "chain", architecture.to_json(), "-p", "width=4", "-p", "head=16")
    document = json.loads(nassim(*arguments, "--format", "json", folder=folder).stdout)
    (difference,), profile = document["differences"], chain.profile(architecture)
    assert difference["operation"] == "convolution_backward"
    assert difference["torch_flop"] - difference["flop"] == profile.torch_backward_flop - profile.backward_flop > 0
    assert difference["by_torch"] == "the weight's gradient once per group too often"
    ((operation, performed, by_torch, which),) = difference_rows(document)
    assert (operation, which) == (difference["operation"], difference["by_torch"])
    assert (performed[-5:], by_torch[-5:]) == ("kFLOP", "MFLOP")


def test_a_whole_space(folder):
    out = nassim("profile", "chain", "-p", "width=4", "-p", "head=16", folder=folder).stdout
    assert "6,561 architectures, 6,561 of them profiled" in out
    assert re.search(r"^forward +[\d.]+ [kM]FLOP +[\d.]+ [kM]FLOP +[\d.]+ [kM]FLOP$", out, re.M)


def test_whoever_waits_is_told(capsys):
    counted = sign_of_life(12_288)
    for _ in range(1_001):
        counted()
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == "500 networks counted, of at most 12,288\n1,000 networks counted, of at most 12,288\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sell"], "there is no search space 'sell'"),
        (["cell", "-p", "depth=3"], "the search space 'cell' has no parameter 'depth'"),
        (["cell", "-p", "width"], "a parameter of a space is given as name=value, found 'width'"),
        (["cell", "--layers"], "--layers shows the layers of one network; give its architecture"),
        (["cell", "{no json"], "the architecture is not a JSON object of names and labels"),
        (["cell", '{"a": "b"}'], "there is no choice 'a'; the choices are 0->1"),
        (["cell", "conv"], "an arch_str of NAS-Bench-201 is"),
        (["chain", "012"], 'an architecture of this space is written as JSON, such as \'{"layer0":"identity"'),
    ],
)
def test_mistakes_are_told_in_one_message(folder, arguments, message):
    done = nassim("profile", *arguments, folder=folder)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
