"""A domain in Optuna's terms."""

from optuna.distributions import CategoricalDistribution
from optuna.trial import BaseTrial

from nassim.space.architecture import Architecture
from nassim.space.domain import Domain


def distributions(domain: Domain) -> dict[str, CategoricalDistribution]:
    """Return the distribution of every choice: categorical over its labels, conditional choices included."""
    return {choice.name: CategoricalDistribution(choice.labels) for choice in domain.choices}


def suggest(trial: BaseTrial, domain: Domain) -> Architecture:
    """Ask a trial for an architecture: for the choices that it reaches and no others, in the domain's order."""
    return domain.walk(lambda choice: str(trial.suggest_categorical(choice.name, choice.labels)))
