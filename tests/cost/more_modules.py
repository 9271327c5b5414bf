"""The modules of torch.nn that take two inputs, whole numbers, sequences or targets, with what they cost."""

import torch
from modules import LINEAR, Case, N, Run, on_volume
from torch import nn


class First(nn.Module):
    """A layer of which the first result is returned."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x)[0]


class With(nn.Module):
    """A loss of the output, and of something made of the target."""

    def __init__(self, loss, *make):
        super().__init__()
        self.loss, self.make = loss, make

    def forward(self, output, target):
        return self.loss(output, *(make(target) for make in self.make))


def same(target):
    return target


def zeros(target):
    return torch.zeros_like(target, dtype=torch.long)


def on_pair(layer, forward, backward, flop=(0, 0)):
    """Return a layer of Linear(8, 8)'s output and of its input, a target, with all of its own operations."""
    return Case(
        lambda: Run(lambda x, linear, layer: layer(linear(x), x), nn.Linear(N, N), layer()), (N,),
        (LINEAR + flop[0], LINEAR + flop[1]), None if forward is None else (forward, backward + N),
    )  # fmt: skip


def to_class(layer, forward, backward):
    """Return a loss of Linear(8, 8)'s output and the class 0."""

    def loss(x, linear, layer):
        return layer(linear(x), torch.zeros(len(x), dtype=torch.long, device=x.device))

    return Case(
        lambda: Run(loss, nn.Linear(N, N), layer()), (N,), (LINEAR, LINEAR), (forward, backward + N),
    )  # fmt: skip


def none(loss, **settings):
    """Return a loss that isn't averaged, so that there is one for each input."""
    return lambda: loss(reduction="none", **settings)


PAIRS = {
    # x W of 5 outputs, 8 and 8 inputs, times y, + b. One input's gradient: W times g, then times y; the weight's: g
    # times x, then times y; the bias's.
    "Bilinear": on_pair(
        lambda: nn.Bilinear(N, N, 5), 5, 5, (2 * 5 * (N * N + N), 5 * N * N + 2 * 5 * N * N + 5 * N + 2 * 5 * N * N)),
    # Two norms of squares and sums, comparisons, quotients, product, sum. As torch runs it backward: 3 products, 4
    # quotients, sum, -, +, of 8, and a comparison.
    "CosineSimilarity": on_pair(lambda: nn.CosineSimilarity(1), 2 * 2 * N + 2 + 4 * N, 10 * N + 1),
    "PairwiseDistance": on_pair(nn.PairwiseDistance, 2 * N + 2 * N, 2 * N + 1),  # x - y + eps; 2-norm
}  # fmt: skip

LOSSES = {
    "L1Loss": on_pair(none(nn.L1Loss), 2 * N, 2 * N),  # abs(x - y); sign(x - y) * g
    "MSELoss": on_pair(none(nn.MSELoss), 3 * N, 3 * N),
    "SmoothL1Loss": on_pair(none(nn.SmoothL1Loss), 6 * N, 5 * N),
    "HuberLoss": on_pair(none(nn.HuberLoss), 6 * N, 5 * N),
    "BCELoss": on_pair(none(nn.BCELoss), 9 * N, 5 * N),
    "BCEWithLogitsLoss": on_pair(none(nn.BCEWithLogitsLoss), 8 * N, 6 * N),  # g * (sigmoid(x) - t)
    "SoftMarginLoss": on_pair(none(nn.SoftMarginLoss), 6 * N, 6 * N),
    "KLDivLoss": on_pair(none(nn.KLDivLoss), 4 * N, 2 * N),  # t * log(t) - t * x; -g * t
    "PoissonNLLLoss": on_pair(none(nn.PoissonNLLLoss), 3 * N, 4 * N),  # exp(x) - t * x; g * exp(x) and -g * t, added
    # max(0, 1 - x) and x by two comparisons of the target, added; a comparison, -, both gradients added.
    "HingeEmbeddingLoss": on_pair(none(nn.HingeEmbeddingLoss), 5 * N, 3 * N),
    # As torch composes them.
    "CosineEmbeddingLoss": on_pair(lambda: With(nn.CosineEmbeddingLoss(), same, lambda x: x[:, 0].sign()), None, None),
    "MarginRankingLoss": on_pair(lambda: With(nn.MarginRankingLoss(), same, torch.sign), None, None),
    "TripletMarginLoss": on_pair(lambda: With(nn.TripletMarginLoss(), same, lambda x: x + 1), None, None),
    "TripletMarginWithDistanceLoss": on_pair(
        lambda: With(nn.TripletMarginWithDistanceLoss(), same, lambda x: x + 1), None, None
    ),
    "MultiLabelSoftMarginLoss": on_pair(nn.MultiLabelSoftMarginLoss, None, None),
    # log_softmax 5; negate and add one; and back.
    "CrossEntropyLoss": to_class(none(nn.CrossEntropyLoss), 5 * N + 2, 4 * N + 1),
    "NLLLoss": to_class(none(nn.NLLLoss), 2, 1),
}
if hasattr(nn, "LinearCrossEntropyLoss"):  # not in every version: 10 classes, whose layer's input takes no gradient
    LOSSES["LinearCrossEntropyLoss"] = Case(
        lambda: Run(lambda x, loss: loss(x, zeros(x[:, 0])), nn.LinearCrossEntropyLoss(N, 10)), (N,),
        (2 * 10 * N, 2 * 10 * N), (5 * 10 + 2, 4 * 10 + 1),
    )  # fmt: skip

EMBEDDINGS = {
    # 3 rows of 4 numbers: moved; their gradients are added up.
    "Embedding": Case(
        lambda: nn.Sequential(nn.Embedding(10, 4), nn.Flatten()), (3,), (0, 0), (0, 12), dtype=torch.long),
    "Embedding of sparse gradients": Case(
        lambda: nn.Sequential(nn.Embedding(10, 4, sparse=True), nn.Flatten()), (3,), (0, 0), (0, 0), dtype=torch.long),
    "EmbeddingBag": Case(lambda: nn.EmbeddingBag(10, 4), (3,), (0, 0), (12 + 4, 12), dtype=torch.long),
    "EmbeddingBag of sums": Case(
        lambda: nn.EmbeddingBag(10, 4, mode="sum"), (3,), (0, 0), (12, 12), dtype=torch.long),
    "EmbeddingBag with weights": Case(
        lambda: Run(lambda x, bag: bag(x, per_sample_weights=torch.ones(x.shape, device=x.device)),
                    nn.EmbeddingBag(10, 4, mode="sum")),
        (3,), (0, 0), (2 * 12, 12), dtype=torch.long,
    ),
}  # fmt: skip

CELL = 6 * (4 + 6)
"""Products of a cell of 6 units and 4 inputs with one gate's matrices."""
RECURRENT = {
    # Backward the weights' gradients alone: neither the inputs nor the first state take any. A gate's two biases add 6.
    "RNNCell": Case(lambda: nn.RNNCell(4, 6), (4,), (2 * CELL, 2 * CELL), (6 * 2, 6 * 3 + 2 * 6)),  # tanh(a + b)
    # r and z: a sum and a sigmoid; n = tanh(a + r * b); (h - n) * z + n. Back, as torch runs it: two products for z and
    # h - n, a -, a sum; tanh 3; two products for r; two sigmoids of 3; and 3 gates' biases of 6, twice.
    "GRUCell": Case(
        lambda: nn.GRUCell(4, 6), (4,), (2 * 3 * CELL, 2 * 3 * CELL), (6 * (10 + 3 + 3), 6 * (4 + 3 + 2 + 6) + 2 * 18)),
    # Four sums, three sigmoids, tanh; f * c + i * g; o * tanh(c).
    "LSTMCell": Case(
        lambda: Run(lambda x, cell: cell(x)[0], nn.LSTMCell(4, 6)), (4,), (2 * 4 * CELL, 2 * 4 * CELL),
        (6 * (4 + 12 + 1 + 3 + 2), 6 * (5 + 2 * 3 + 3 * 3) + 2 * 24),
    ),
}  # fmt: skip

LENGTH, HIDDEN = 5, 16
PROJECTION = 2 * LENGTH * N * N
FEED = 2 * LENGTH * N * HIDDEN
PRODUCT = 2 * LENGTH * LENGTH * N
"""Of all heads' scores, with as many numbers as a vector has."""


def on_sequence(make, forward, backward):
    """Return a network on 5 vectors, with the numbers of projections, feeds and products in either pass."""
    units = (PROJECTION, FEED, PRODUCT)
    flop = tuple(sum(n * unit for n, unit in zip(counts, units, strict=True)) for counts in (forward, backward))
    return Case(make, (LENGTH, N), flop, None)


SEQUENCES = {
    # Four projections, two products. The first three projections' inputs take no gradient; attention has 5 products.
    "MultiheadAttention": on_sequence(
        lambda: Run(lambda x, a: a(x, x, x, need_weights=False)[0], nn.MultiheadAttention(N, 2, batch_first=True)),
        (4, 0, 2), (3 + 2, 0, 5)),
    "TransformerEncoderLayer": on_sequence(
        lambda: nn.TransformerEncoderLayer(N, 2, HIDDEN, batch_first=True), (4, 2, 2), (3 + 2, 4, 5)),
    # The second layer's input takes a gradient.
    "TransformerEncoder": on_sequence(
        lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(N, 2, HIDDEN, batch_first=True), 2),
        (8, 4, 4), (5 + 8, 8, 10)),
    # Attends to itself and to a memory, which takes no gradient: its projections, to keys and values, have one each.
    "TransformerDecoderLayer": on_sequence(
        lambda: Run(lambda x, layer: layer(x, x), nn.TransformerDecoderLayer(N, 2, HIDDEN, batch_first=True)),
        (8, 2, 4), (5 + 2 + 2 + 2, 4, 10)),
    "TransformerDecoder": on_sequence(
        lambda: Run(lambda x, layers: layers(x, x),
                    nn.TransformerDecoder(nn.TransformerDecoderLayer(N, 2, HIDDEN, batch_first=True), 2)),
        (16, 4, 8), (11 + 8 + 6, 8, 20)),
    # The memory is the encoder's output.
    "Transformer": on_sequence(
        lambda: Run(lambda x, both: both(x, x), nn.Transformer(N, 2, 1, 1, HIDDEN, batch_first=True)),
        (12, 4, 6), (5 + 13, 8, 15)),
    "RNN": Case(lambda: First(nn.RNN(4, 6, batch_first=True)), (5, 4),
                (2 * 5 * CELL, 2 * 5 * CELL + 2 * 4 * 6 * 6), None),
    "GRU": Case(lambda: First(nn.GRU(4, 6, batch_first=True)), (5, 4),
                (2 * 5 * 3 * CELL, 2 * 5 * 3 * CELL + 2 * 4 * 3 * 6 * 6), None),
    # All steps' weights, and four states but the first.
    "LSTM": Case(lambda: First(nn.LSTM(4, 6, batch_first=True)), (5, 4),
                 (2 * 5 * 4 * CELL, 2 * 5 * 4 * CELL + 2 * 4 * 4 * 6 * 6), None),
    # 3 classes and a cluster; 2 numbers for its 7 classes. Of the last product both gradients are taken.
    "AdaptiveLogSoftmaxWithLoss": Case(
        lambda: Run(lambda x, layer: layer.log_prob(x), nn.AdaptiveLogSoftmaxWithLoss(N, 10, [3])), (N,),
        (2 * (N * 4 + N * 2 + 2 * 7), 2 * (N * 4 + N * 2 + 2 * 2 * 7)), None),
}  # fmt: skip

NO_NETWORKS = {
    "Module", "Container", "Sequential", "ModuleList", "ModuleDict", "ParameterList", "ParameterDict", "DataParallel",
    "RNNBase", "RNNCellBase", "NLLLoss2d",
}  # fmt: skip
"""Modules that hold others, are the base of others, or another name of one."""

REFUSED = {
    "FractionalMaxPool3d": on_volume(lambda: nn.FractionalMaxPool3d(2, 2), 0, 0),
    "MultiMarginLoss": to_class(nn.MultiMarginLoss, 0, 0),
    "MultiLabelMarginLoss": on_pair(lambda: With(nn.MultiLabelMarginLoss(), zeros), 0, 0),
    "GaussianNLLLoss": on_pair(lambda: With(nn.GaussianNLLLoss(), same, torch.ones_like), 0, 0),
    "CTCLoss": on_pair(lambda: With(nn.CTCLoss(), zeros, *[lambda x: zeros(x[:, 0])] * 2), 0, 0),
}
"""What torch can't run on the meta device: there is no kernel, or a branch on what is in a tensor."""

BY_THE_INPUT = {"CrossMapLRN2d"}
"""Its backward pass goes through the inputs of a batch one by one, which can't be told from weights."""
