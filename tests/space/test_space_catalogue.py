import subprocess
import sys

import pytest

from nassim.errors import NassimError
from nassim.space.catalogue import SPACES, load_space
from search_spaces.cell import Cell

MINE = """
from blocks import block
from nassim.space import SearchSpace

class Mine(SearchSpace):
    def __init__(self, *, width=4, input_shape=(3, 8, 8), classes=2):
        if width < 1:
            raise ValueError("width is too small")
        self.width, self.input_shape, self.classes = width, tuple(input_shape), classes

    def build(self, choose):
        return block(self, choose)

class NoBuild(SearchSpace):
    pass

class NoShape(Mine):
    def __init__(self, needed):
        pass

def function():
    pass
"""
BLOCKS = """
from torch import nn

def block(space, choose):
    act = choose("act", {"relu": nn.ReLU, "tanh": nn.Tanh})
    return nn.Sequential(nn.Flatten(), nn.Linear(192, space.width), act, nn.Linear(space.width, space.classes))
"""


@pytest.fixture
def mine(tmp_path):
    (tmp_path / "blocks.py").write_text(BLOCKS)
    path = tmp_path / "mine.py"
    path.write_text(MINE)
    return path


def refused(reference, **parameters):
    with pytest.raises(NassimError) as caught:
        load_space(reference, parameters)
    return str(caught.value)


def test_installed_spaces():
    assert SPACES.list() == {"cell": "search_spaces.cell:Cell", "chain": "search_spaces.chain:Chain"}
    space = load_space("cell", {"width": 4, "cells": 1, "input_shape": [1, 8, 8]})
    assert isinstance(space, Cell)
    assert space.input_shape == (1, 8, 8)
    assert isinstance(load_space("search_spaces.cell:Cell", {}), Cell)


def test_a_space_of_one_s_own(mine):
    space = load_space(f"{mine}:Mine", {"width": 6})
    assert space.size == 2
    assert space.profile({"act": "relu"}).params == 192 * 6 + 6 + 6 * 2 + 2
    assert str(mine.parent) not in sys.path


def test_what_can_not_be_loaded(mine, tmp_path):
    assert refused("sell") == (
        "there is no search space 'sell' (did you mean 'cell'?); the search spaces are cell, chain, and one's own is "
        "module:Class or "
        "path/to/file.py:Class"
    )
    assert "there is no file 'nowhere/mine.py' (looked for in " in refused("nowhere/mine.py:Mine")
    assert refused(f"{mine}:Yours") == (f"{mine} has no class 'Yours'; its search spaces are Mine, NoBuild, NoShape")
    assert f"{mine}:function is not a subclass of nassim.space.SearchSpace" in refused(f"{mine}:function")
    assert refused("no_such_module:Mine") == (
        "no_such_module can't be imported: ModuleNotFoundError: No module named 'no_such_module'"
    )
    assert "nassim.seeds has no class 'Cell'; it has no search space" in refused("nassim.seeds:Cell")
    broken = tmp_path / "broken.py"
    broken.write_text("import torch\n\n1 / 0\n")
    assert refused(f"{broken}:Mine") == (f"{broken}, line 3, can't be imported: ZeroDivisionError: division by zero")
    broken.write_text("class Mine(:\n")
    assert f"{broken} can't be imported: SyntaxError: invalid syntax" in refused(f"{broken}:Mine")


def test_parameters_that_are_refused(mine):
    assert refused("cell", witdh=3) == (
        "the search space 'cell' has no parameter 'witdh' (did you mean 'width'?); its parameters are width, cells, "
        "input_shape, classes"
    )
    assert refused(f"{mine}:Mine", width=0) == (
        f"the search space '{mine}:Mine' can't be made with {{'width': 0}}: ValueError: width is too small"
    )
    assert refused(f"{mine}:NoShape").endswith("needs a value for its parameter 'needed'")
    assert refused(f"{mine}:NoShape", needed=1).endswith("doesn't set input_shape; set it in __init__")
    assert refused(f"{mine}:NoBuild").endswith("has no method build(self, choose)")
    assert refused("cell", width=0) == "Cell: width is a whole number of at least 1, found 0"
    assert refused("cell", input_shape=[3, 30, 32]).startswith("Cell: input_shape is (channels, height, width), height")


def test_nothing_heavy_is_imported_before_it_is_needed():
    code = (
        "import sys, nassim.space, nassim.space.search_space, nassim.space.domain, nassim.space.architecture, "
        "nassim.space.domain_reader, nassim.space.catalogue as l; l.SPACES.list(); "
        "print([m for m in ('torch', 'optuna', 'ray', 'pandas') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


SMALL = {"input_shape": [1, 8, 8], "classes": 10, "width": 2, "cells": 1}


def test_a_file_is_run_once_unless_it_says_something_else(tmp_path):
    """What it registers with torch, networks of an earlier load go on using."""
    file = tmp_path / "mine.py"
    text = "from search_spaces.cell import Cell\n\n\nclass Mine(Cell):\n    said = 1\n"
    file.write_text(text)
    first, again = (type(load_space(f"{file}:Mine", SMALL)) for _ in range(2))
    assert first is again
    file.write_text(text.replace("said = 1", "said = 2"))
    assert (first.said, type(load_space(f"{file}:Mine", SMALL)).said) == (1, 2)
