"""What the README shows works."""

import re
from pathlib import Path

from typer.main import get_command

from nassim.cli.commands import app
from nassim.space.catalogue import load_space

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def test_its_search_space_can_be_searched_and_shared(tmp_path):
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    (tmp_path / "mine.py").write_text(code, encoding="utf-8")
    space = load_space(f"{tmp_path / 'mine.py'}:Mine", {})
    assert space.size == 2 * 3**3  # 2 widths, 3 operations in each of 3 layers
    first = next(space.enumerate())
    assert space.profile(first).forward_flop > 0
    assert space.supernet().extract(first) is not None


def test_its_commands_exist():
    commands = get_command(app).commands
    shown = re.findall(r"^nassim (\w+)(.*)", README, re.MULTILINE)
    assert shown
    for name, rest in shown:
        options = {option for parameter in commands[name].params for option in parameter.opts}
        assert set(re.findall(r"--\w+", rest.partition("#")[0])) <= options
