"""The user's own site: kept in a file, looked up when it is said and when it is read."""

import pytest

from nassim.errors import NassimError
from nassim.hardware.own_site import check_site, own_site, save_site, site_file, terms_of
from nassim.hardware.terms import SaidBy


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return tmp_path


def write(text):
    site_file().parent.mkdir(exist_ok=True)
    site_file().write_text(text)


def test_nothing_is_said_where_there_is_no_file(home):
    assert own_site() == {}
    assert site_file() == home / "nassim" / "site.yaml"


def test_the_file_is_in_the_home_folder_unless_another_is_named_absolutely(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    for folder in ("", "relative"):
        monkeypatch.setenv("XDG_CONFIG_HOME", folder)
        assert site_file() == tmp_path / ".config" / "nassim" / "site.yaml"


def test_what_is_said_comes_back():
    said = {"region": "DEU", "pue": 1.2, "provider": "gcp"}
    save_site(said)
    assert own_site() == said
    save_site({})
    assert own_site() == {}


def test_a_pue_is_a_number_or_whose_it_is():
    assert check_site({"pue": "1.2"}) == {"pue": 1.2}
    assert check_site({"pue": "gcp"}) == {"pue": "gcp"}


def test_it_holds_where_the_experiment_says_nothing():
    save_site({"region": "DEU", "pue": 1.2, "device": "epyc_7763"})
    terms = terms_of({"site": {"pue": 1.5, "region": None}, "executor": {"kind": "ray", "address": "auto"}})
    assert (terms.region, terms.pue, terms.own_device, terms.cluster) == ("DEU", 1.5, "epyc_7763", True)
    assert dict(terms.origins) == {"device": SaidBy.SITE, "region": SaidBy.SITE, "pue": SaidBy.EXPERIMENT}
    assert not terms_of({"executor": {"kind": "ray", "address": None}}).cluster


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("region: Germny", "region 'Germny' is not in the catalogue; near it: DEU (Germany)"),
        ("pue: 0.9", "found the PUE 0.9; a number of at least 1"),
        ("pue: .nan", "found the PUE nan; a number of at least 1"),
        (f"pue: {10**400}", f"found the PUE 1{'0' * 59}...; a number of at least 1"),
        (f"pue: {'9' * 5000}", "can't be read: Exceeds the limit"),
        ("region: " + "[" * 5000, "can't be read: "),
        ("pue: true", "found the PUE True; a number of at least 1"),
        ("pue: gogle", "PUE 'gogle' is not in the catalogue"),
        ("pue: [1]", "pue: found [1]; text on one line"),
        ("region: 3", "region: found 3; text on one line"),
        ("regoin: DEU", "found 'regoin' (did you mean 'region'?); any of device, region, pue, provider, billing"),
        ("provider: acme", "found the provider 'acme'; the catalogue has aws, gcp"),
        ("device: a1000", "device 'a1000' is not in the catalogue"),
        ("catalogue: /nowhere.yaml", "the catalogue /nowhere.yaml can't be read"),
        ("- region", "found no mapping; any of device, region"),
        ("region: [", "can't be read: while parsing a flow node"),
    ],
)
def test_a_file_that_says_something_wrong_is_named_with_the_remedy(text, message):
    write(text)
    with pytest.raises(NassimError) as error:
        own_site()
    assert str(error.value).startswith(f"your site, {site_file()}")
    assert message in str(error.value)
    assert str(error.value).endswith("; correct the file, or remove it and say it anew with `nassim site`")
    assert "\n" not in str(error.value)


def test_a_file_that_is_a_folder_is_named(home):
    site_file().mkdir(parents=True)
    with pytest.raises(NassimError, match=r"site\.yaml, can't be read: Is a directory; correct the file"):
        own_site()


def test_a_folder_that_is_a_file_is_named(home):
    (home / "nassim").write_text("")
    with pytest.raises(NassimError, match=r"your site can't be written to .*; set XDG_CONFIG_HOME to a folder"):
        save_site({"region": "DEU"})
