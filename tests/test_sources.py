"""A space's own code goes along with what was made from it: its file, and what of the files beside it it imports."""

from pathlib import Path

import pytest

from nassim.sources import portable


@pytest.mark.parametrize("reference", ["cell", "search_spaces.cell:Cell"])
def test_what_is_installed_or_importable_stays_as_it_is_named(reference):
    assert portable(reference) == (reference, {})


def test_a_file_goes_with_what_it_imports_from_beside_it(tmp_path):
    files = {
        "mine.py": "import os, torch.nn\nfrom blocks.conv import Conv\nfrom nassim.space import SearchSpace\n",
        "blocks/__init__.py": "",
        "blocks/conv.py": "def f():\n    import widths\n",
        "blocks/old.py": "print 'not Python 3'\n",
        "blocks/weights.bin": "x",
        "widths.py": "import mine, sizes\n",
        "unrelated.py": "",
        "nassim/space.py": "a checkout's own nassim",
        "search_spaces/cell.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    name, sources = portable(f"{tmp_path / 'mine.py'}:Mine")
    assert name == "mine.py:Mine"
    assert sources == {
        name: files[name] for name in ("mine.py", "blocks/__init__.py", "blocks/conv.py", "blocks/old.py", "widths.py")
    }


def test_texts_come_as_python_reads_them(tmp_path):
    (tmp_path / "mine.py").write_bytes(b"\xef\xbb\xbf# caf\xc3\xa9\r\nimport os\r\n")
    assert portable(f"{tmp_path / 'mine.py'}:Mine") == ("mine.py:Mine", {"mine.py": "# café\nimport os\n"})
    (tmp_path / "latin.py").write_bytes(b"# -*- coding: latin-1 -*-\n# caf\xe9\n")
    _, sources = portable(f"{Path(tmp_path / 'latin.py')}:Mine")
    assert sources["latin.py"].startswith("# -*- coding: latin-1 -*-\n# caf")
