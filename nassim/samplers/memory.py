"""What samplers remember of a study: never more than they could read again from its finished trials."""

from collections.abc import Callable
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from optuna.storages import BaseStorage
from optuna.study import Study

T = TypeVar("T")


class PerStudy(Generic[T]):
    """One value for each study that a sampler serves, made when first asked for.

    The values are caches: they are gone when the storage is, and copies and pickles of a sampler start without them.

    Args:
        make: Makes the value of a study that is new here; picklable if the sampler is to be.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._values: WeakKeyDictionary[BaseStorage, dict[int, T]] = WeakKeyDictionary()

    def of(self, study: Study) -> T:
        """Return the study's value."""
        values = self._values.setdefault(study._storage, {})
        if study._study_id not in values:
            values.setdefault(study._study_id, self._make())
        return values[study._study_id]

    def __reduce__(self) -> tuple[type["PerStudy[T]"], tuple[Callable[[], T]]]:
        return type(self), (self._make,)
