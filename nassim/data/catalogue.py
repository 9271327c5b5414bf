"""The data sets that there are, and one's own."""

from nassim.catalogue import Catalogue
from nassim.data.reading import Reader

DATA: Catalogue[Reader] = Catalogue(
    "data set",
    "nassim.data.reading.Reader",
    "nassim.data",
    {"digits": "nassim.data.reading:Digits", "arrays": "nassim.data.reading:ArrayFile"},
)
