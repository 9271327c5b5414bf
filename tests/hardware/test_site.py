"""What holds at a place: what is said of it, looked up; and what is assumed where nothing is said."""

import pytest

from nassim.errors import NassimError
from nassim.hardware.catalogue import load_catalogue
from nassim.hardware.figure import Figure, Kind
from nassim.hardware.site import Lines, find_site
from nassim.hardware.terms import SaidBy, Terms, agree

CATALOGUE = load_catalogue()
A100, V100 = CATALOGUE.find_device("a100"), CATALOGUE.find_device("v100")


def look_up(*devices, **terms):
    lines = Lines()
    return find_site(CATALOGUE, devices, Terms(**terms), lines), lines


def test_it_says_what_it_applied():
    _, lines = look_up(A100, region="FRA", pue="gcp")
    assert lines.basis[0].startswith("56 gCO2e/kWh in France (2023; ")
    assert lines.basis[1].startswith("PUE 1.12 of Google Cloud (2023; ")
    assert lines.basis[2].startswith("3.673 USD/h for a2-highgpu-1g")
    assert lines.assumed == []


def test_what_nobody_says_is_assumed_and_said_to_be():
    site, lines = look_up()
    assert site.intensity == Figure(475.0, Kind.ASSUMED)  # the world's average of 2019
    assert site.pue == Figure(1.0, Kind.ASSUMED)
    assert [line.partition(" (")[0] for line in lines.assumed] == [
        "475 gCO2e/kWh, the world's average",
        "PUE 1, of one machine, for want of another",
    ]
    assert look_up(cluster=True)[0].pue == Figure(1.56, Kind.ASSUMED)  # the survey of 2024


def test_strictly_it_is_unknown():
    site, lines = look_up(V100, strict=True, billing="spot")
    assert site.intensity == Figure.unknown("carbon intensity: no region given")
    assert site.pue == Figure.unknown("PUE: none given")
    assert site.prices == {}
    assert (lines.basis, lines.assumed) == ([], [])


@pytest.mark.parametrize(
    ("device", "terms", "usd_per_h", "words"),
    [
        # Nobody says on what terms, and on demand it is not listed: the first price that is.
        ("rtx3090", {}, 0.34, "0.34 USD/h for chip (rtx3090) at runpod, community"),
        # 64 cores at the price of a thread, 0.38847 / 8.
        ("epyc_7763", {}, 64 * 0.38847 / 8, "3.11 USD/h for EPYC 7763 (64c), for want of a price of it: 0.38847 USD/h"),
        ("epyc_7763", {"billing": "spot"}, 64 * 0.12701 / 8, "1.02 USD/h for EPYC 7763 (64c)"),
        ("gtx1080ti", {}, 2.48, "2.48 USD/h for GeForce GTX 1080 Ti, for want of a price of it"),
    ],
)
def test_a_price_that_is_not_listed_is_that_of_what_is_most_like_it(device, terms, usd_per_h, words):
    site, lines = look_up(CATALOGUE.find_device(device), region="FRA", pue=1, **terms)
    assert site.prices == {device: Figure(pytest.approx(usd_per_h), Kind.ASSUMED)}
    (line,) = lines.assumed
    assert line.startswith(words)


def test_terms_that_were_asked_for_are_not_replaced_by_others():
    site, lines = look_up(CATALOGUE.find_device("rtx3090"), provider="lambda", region="FRA", pue=1)
    assert site.prices == {}
    assert lines.assumed == []


@pytest.mark.parametrize("wrong", ["0.9", 0.5, "nan", "inf"])
def test_a_pue_below_one_is_refused(wrong):
    with pytest.raises(NassimError, match=r"found the PUE .*; a number of at least 1"):
        look_up(pue=wrong)


@pytest.mark.parametrize("terms", [{"provider": "amazon"}, {"billing": "gratis"}])
def test_slips_are_found_whether_there_is_something_to_price_or_not(terms):
    with pytest.raises(NassimError, match=r"found the (provider|billing) '\w+'; the catalogue has "):
        look_up(**terms)


def test_who_is_heard_first():
    said = {
        SaidBy.SITE: {"region": "DEU", "pue": 1.3, "provider": "aws", "device": "v100"},
        SaidBy.EXPERIMENT: {"region": "FRA", "pue": 1.1, "device": None},
        SaidBy.OPTION: {"region": "USA", "pue": None},
    }
    terms = agree(said, cluster=True)
    assert (terms.region, terms.pue, terms.provider, terms.billing, terms.cluster) == ("USA", 1.1, "aws", None, True)
    assert terms.stated == {
        "device": ("v100", SaidBy.SITE),
        "region": ("USA", SaidBy.OPTION),
        "pue": (1.1, SaidBy.EXPERIMENT),
        "provider": ("aws", SaidBy.SITE),
        "billing": (None, None),
        "catalogue": (None, None),
    }
    # A user's own device says what theirs is; it doesn't make a V100 of whatever a run was on.
    assert (terms.device, terms.own_device) == (None, "v100")
    assert agree({**said, SaidBy.OPTION: {"device": "a100"}}).device == "a100"
