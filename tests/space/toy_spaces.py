"""Small spaces that meet every way in which choices can depend on one another."""

from torch import nn

from nassim.space import BatchNorm2d, Conv2d, LayerNorm, Linear, SearchSpace


class Conditional(SearchSpace):
    """A number decides how many choices follow, two choices decide on a third, an option asks one of its own."""

    input_shape = (4,)
    classes = 2

    def build(self, choose):
        layers = []
        depth = choose("depth", [1, 2, 3])
        for i in range(depth):
            width = choose(f"width{i}", {"narrow": 2, "wide": 6})
            layers += [nn.Linear(4, width), nn.ReLU(), nn.Linear(width, 4)]
        if depth == 2 and width == 6:
            layers.append(choose("extra", {"norm": lambda: nn.LayerNorm(4), "none": nn.Identity}))

        def gate():
            return nn.Sequential(choose("gate", {"sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "relu": nn.ReLU}))

        layers.append(choose("end", {"plain": nn.Identity, "gated": gate}))
        return nn.Sequential(*layers, nn.Linear(4, 2))


class Nested(SearchSpace):
    """Options that ask choices of their own, two deep; an option is repeated."""

    input_shape = (6,)
    classes = 3

    def build(self, choose):
        def inner(bias):
            return choose("inner", {"linear": lambda: nn.Linear(6, 6, bias=bias), "norm": lambda: nn.BatchNorm1d(6)})

        def outer():
            act = choose("act", {"relu": nn.ReLU, "tanh": nn.Tanh})
            return nn.Sequential(inner(True), act, inner(False))

        blocks = [choose("block", {"deep": outer, "flat": lambda: inner(True), "skip": nn.Identity}) for _ in range(2)]
        return nn.Sequential(*blocks, nn.Linear(6, 3))


class Elastic(SearchSpace):
    """Chosen widths and kernels, through every elastic layer."""

    input_shape = (3, 8, 8)
    classes = 5

    def build(self, choose):
        width = choose("width", [4, 8, 12])
        expansion = choose("expansion", [1, 3])
        kernel = choose("kernel", [3, 5, 1])
        hidden = width * expansion

        def block():
            return nn.Sequential(
                Conv2d(width, hidden, 1, bias=False),
                BatchNorm2d(hidden),
                nn.ReLU(),
                Conv2d(hidden, hidden, kernel, 2, kernel // 2, groups=hidden),
                BatchNorm2d(hidden),
                Conv2d(hidden, width, 1),
            )

        return nn.Sequential(
            Conv2d(3, width, 3, padding=1),
            BatchNorm2d(width),
            nn.ReLU(),
            choose("block", {"mb": block, "pool": lambda: nn.AvgPool2d(2)}),
            nn.Flatten(),
            Linear(width * 16, width * 2),
            LayerNorm(width * 2),
            Linear(width * 2, self.classes, bias=False),
        )


SPACES = (Conditional, Nested, Elastic)
