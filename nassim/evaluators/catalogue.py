"""The evaluators that there are, and one's own."""

from nassim.catalogue import Catalogue
from nassim.evaluation import Evaluator

EVALUATORS: Catalogue[Evaluator] = Catalogue(
    "evaluator",
    "nassim.evaluation.Evaluator",
    "nassim.evaluators",
    {"full": "nassim.evaluators.full:make_full", "enas": "nassim.evaluators.enas:make_enas"},
)
"""Each is made with a Setting, its argument `setting`."""
