"""The contract of search spaces as tests. A new one subclasses `SearchSpaceContract` and supplies the fixture `space`.

Example:
    ```
    class TestMine(SearchSpaceContract):
        @pytest.fixture
        def space(self):
            return MySpace(width=8)
    ```
"""

import numpy as np
import pytest
import torch

from nassim.cost.counting import count
from nassim.errors import NassimError
from nassim.space.architecture import Architecture
from nassim.space.search_space import SearchSpace

SAMPLES = 5
"""Architectures that are looked at."""


class SearchSpaceContract:
    """What every search space keeps to."""

    @pytest.fixture
    def space(self) -> SearchSpace:
        """Return the space, a small one."""
        raise NotImplementedError("supply the fixture `space`")

    @pytest.fixture
    def architectures(self, space: SearchSpace) -> list[Architecture]:
        """A few architectures of it."""
        rng = np.random.default_rng(0)
        return [space.sample(rng) for _ in range(SAMPLES)]

    def test_an_architecture_is_what_its_network_asks_for(
        self, space: SearchSpace, architectures: list[Architecture]
    ) -> None:
        """Choices that it doesn't reach are absent, so that equal networks compare equal."""
        assert all(space.canonical(architecture) == architecture for architecture in architectures)
        assert all(Architecture.from_json(architecture.to_json()) == architecture for architecture in architectures)

    def test_networks_take_the_inputs_and_give_the_outputs_that_the_space_says(
        self, space: SearchSpace, architectures: list[Architecture]
    ) -> None:
        """For any batch."""
        for architecture in architectures:
            for batch in (2, 3):
                outputs = space.subnet(architecture)(torch.zeros(batch, *space.input_shape))
                assert outputs.shape == (batch, space.classes)

    def test_what_a_network_costs_by_look_up_is_what_counting_says(
        self, space: SearchSpace, architectures: list[Architecture]
    ) -> None:
        """To the last FLOP."""
        for architecture in architectures:
            profile, counted = space.profile(architecture), count(space.subnet(architecture), space.input_shape)
            for amount in ("params", "forward_flop", "backward_flop", "forward_macs"):
                assert getattr(profile, amount) == getattr(counted, amount), (architecture, amount)

    def test_a_supernet_runs_each_of_them_or_says_why_there_is_none(
        self, space: SearchSpace, architectures: list[Architecture]
    ) -> None:
        """With the weights that it hands out, an extracted network answers as the supernet did."""
        try:
            supernet = space.supernet().eval()
        except NassimError as error:
            pytest.skip(f"its choices share no weights: {error}")
        x = torch.rand(2, *space.input_shape, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            for architecture in architectures:
                extracted = supernet.extract(architecture).eval()
                torch.testing.assert_close(extracted(x), supernet(x, architecture))
