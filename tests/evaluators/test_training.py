import pytest
import torch
from small_space import DATA, SCHEDULE, Small, architecture
from torch import nn

from nassim.evaluators.schedule import Schedule
from nassim.evaluators.training import Examination, Trainer, make_optimizer
from nassim.seeds import derive_seed

SPACE = Small()


def plain(**settings):
    return Schedule(epochs=1, batch_size=64, decay="constant", **settings)


def trained(schedule, epochs=1, split=None):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    trainer = Trainer(model, schedule, split or DATA.load().train, seed=5)
    for epoch in range(epochs):
        for _ in trainer.epoch(epoch):
            pass
    return trainer


@pytest.mark.parametrize(
    ("schedule", "reference"),
    [
        (
            plain(learning_rate=0.1, momentum=0.9, nesterov=True, weight_decay=1e-3),
            lambda p: torch.optim.SGD(p, 0.1, momentum=0.9, nesterov=True, weight_decay=1e-3, foreach=False),
        ),
        (
            plain(optimizer="adam", learning_rate=0.01, weight_decay=1e-3),
            lambda p: torch.optim.Adam(p, 0.01, weight_decay=1e-3, foreach=False),
        ),
        (
            plain(optimizer="adamw", learning_rate=0.01, weight_decay=0.1),
            lambda p: torch.optim.AdamW(p, 0.01, weight_decay=0.1, foreach=False),
        ),
    ],
)
def test_an_epoch_is_what_a_plain_loop_of_torchs_optimiser_does(schedule, reference):
    trainer = trained(schedule)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    optimizer = reference(model.parameters())
    split = DATA.load().train
    order = torch.randperm(len(split), generator=torch.Generator().manual_seed(derive_seed(5, "order", 0)))
    for indices in order.split(64):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(split.x[indices]), split.y[indices]).backward()
        optimizer.step()
    torch.testing.assert_close(trainer.model[1].weight, model[1].weight, rtol=1e-4, atol=1e-6)


def test_clipping_bounds_a_step():
    schedule = Schedule(epochs=1, batch_size=2000, learning_rate=1.0, decay="constant", momentum=0.0, clip_norm=1e-3)
    torch.manual_seed(0)
    before = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    after = trained(schedule).model
    moved = torch.cat([(a - b).flatten() for a, b in zip(after.parameters(), before.parameters(), strict=True)])
    assert moved.norm().item() == pytest.approx(1e-3, rel=1e-3)


def test_training_leaves_the_global_random_state_alone():
    torch.manual_seed(123)
    expected = torch.rand(4)
    torch.manual_seed(123)
    trained(SCHEDULE)
    torch.manual_seed(123)
    trainer = trained(SCHEDULE)
    torch.manual_seed(123)
    list(trainer.epoch(1))
    list(Examination(trainer.model, DATA.load().validation).steps())
    assert torch.equal(torch.rand(4), expected)


def test_examination_is_the_plain_mean():
    trainer = trained(SCHEDULE)
    split = DATA.load().train
    examination = Examination(trainer.model, split)
    assert list(examination.steps()) == [512, 512, 55]  # 1079 inputs
    with torch.no_grad():
        logits = trainer.model.eval()(split.x)
    assert examination.figures["accuracy"] == pytest.approx((logits.argmax(1) == split.y).double().mean().item())
    assert examination.figures["loss"] == pytest.approx(nn.functional.cross_entropy(logits, split.y).item(), rel=1e-5)


def test_only_weights_with_a_gradient_take_a_step():
    supernet = SPACE.supernet()
    trainer = Trainer(supernet, SCHEDULE, DATA.load().train, seed=0)
    child = architecture("conv3", "skip")
    before = {name: value.clone() for name, value in supernet.named_parameters()}
    list(trainer.epoch(0, lambda _, x: supernet(x, child)))
    moved = {name for name, value in supernet.named_parameters() if not torch.equal(value, before[name])}
    used = {name for name, value in supernet.named_parameters() if value.grad is not None}
    assert moved == used
    assert 0 < len(used) < len(before)


def test_the_optimisers_kernels_are_fused():
    assert make_optimizer(nn.Linear(2, 2), SCHEDULE).defaults["fused"]
