"""What can't be used of an experiment and of a user's own code ends in one message, with nothing left behind."""

import re

import pytest
from commands import nassim

PLAN = """\
name: small
space:
  name: mine.py:Mine
  parameters: {hidden: 8}
data: {name: digits}
training: {epochs: 4}
searches:
  - name: first
    evaluator: {kind: full}
    sampler:
      name: random
      parameters: {}
    pruner: {name: none}
    trials: 2
final: {schedule: {epochs: 1}}
executor: {kind: inline}
"""
MINE = """\
import random
from torch import nn
from nassim.space import SearchSpace

class Flat(nn.Flatten):
    def forward(self, x):
        return super().forward(x)

class Mine(SearchSpace):
    def __init__(self, *, hidden=8):
        self.input_shape, self.classes, self.hidden = (1, 8, 8), 10, hidden

    def build(self, choose):
        act = choose("act", {"relu": nn.ReLU, "tanh": nn.Tanh})
        return nn.Sequential(Flat(), nn.Linear(64, self.hidden), act, nn.Linear(self.hidden, 10))
"""
ASKED = 'choose("act", {"relu": nn.ReLU, "tanh": nn.Tanh})'
IMPORTED, MADE = "class Mine(", "        self.input_shape, self.classes, "
BUILT, RUN = "        act = choose", "        return super()"


def changed(text: str, *changes: tuple[str, str]) -> str:
    for old, new in changes:
        assert text.count(old) == 1
        text = text.replace(old, new)
    return text


@pytest.fixture
def refusal(tmp_path):
    """Run an experiment with a space of one's own, and return the message that refuses it."""

    def refuse(plan: str = PLAN, mine: str = MINE) -> str:
        (tmp_path / "small.yaml").write_text(plan)
        (tmp_path / "mine.py").write_text(mine)
        done = nassim("run", "small.yaml", folder=tmp_path)
        assert done.returncode == 2, done.stderr
        assert done.stderr.startswith("nassim: small.yaml: line ")
        assert "Traceback" not in done.stderr
        assert {path.name for path in tmp_path.iterdir()} <= {"small.yaml", "mine.py", "__pycache__"}
        return done.stderr.removeprefix("nassim: small.yaml: ").removesuffix("\n")

    return refuse


ENAS = ("evaluator: {kind: full}", "evaluator: {kind: enas, rounds: 2}")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            [ENAS, ("name: random", "name: tpe"), ("    trials: 2\n", "")],
            "line 11: searches[0].sampler.name: search first: found 'tpe'; enas draws architectures from the sampler",
        ),
        (
            [ENAS, ("{name: none}", "{name: median}"), ("    trials: 2\n", "")],
            "line 13: searches[0].pruner.name: search first: found 'median'; enas reports a trial once",
        ),
        ([ENAS], "line 14: searches[0].trials: search first: found 2; enas says itself how many trials"),
        (
            [("    trials: 2\n", "")],
            "line 8: searches[0].trials: search first: this key is missing, and the ",
        ),
    ],
)
def test_parts_that_do_not_go_together_are_told_with_their_line(refusal, changes, message):
    assert refusal(changed(PLAN, *changes)).startswith(message)


@pytest.mark.parametrize(
    ("pruner", "message"),
    [
        ("name: hyperband, parameters: {reduction_factor: 1}", "the pruner 'hyperband': "),
        ("name: hyperband, parameters: {reduction_factor: 0}", "the pruner 'hyperband': "),
        ("name: hyperband, parameters: {min_resource: 0}", "the pruner 'hyperband': "),
        ("name: hyperband, parameters: {min_resource: 5}", "min_resource must be at most 4, a training's last epoch"),
        ("name: hyperband, parameters: {bootstrap_count: -1}", "the pruner 'hyperband': "),
        ("name: median, parameters: {interval_steps: 0}", "the pruner 'median': "),
    ],
)
def test_parameters_of_a_pruner_are_told_with_their_line(refusal, pruner, message):
    told = refusal(changed(PLAN, ("name: none", pruner)))
    assert told.startswith("line 13: searches[0].pruner.parameters.")
    assert message in told


@pytest.mark.parametrize(
    ("sampler", "message"),
    [
        (
            ("reinforce", "hidden: 1000000"),
            "hidden: search first: the sampler 'reinforce': hidden must be at least 1 and at",
        ),
        (
            ("reinforce", "learning_rate: .inf"),
            "learning_rate: search first: the sampler 'reinforce': learning_rate is a ",
        ),
        (
            ("tpe", "n_ei_candidates: 1" + "0" * 20),
            "n_ei_candidates: search first: the sampler 'tpe': n_ei_candidates is a ",
        ),
        (("random", "x: 1"), "x: search first: the sampler 'random' has no parameter 'x'; it takes no parameters"),
    ],
)
def test_parameters_of_a_sampler_are_told_with_their_line(refusal, sampler, message):
    name, parameters = sampler
    told = refusal(
        changed(PLAN, ("name: random", f"name: {name}"), ("parameters: {}", f"parameters: {{{parameters}}}"))
    )
    assert told.startswith(f"line 12: searches[0].sampler.parameters.{message}")


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ("{hiden: 8}", "line 4: space.parameters.hiden: the search space '.*' has no parameter 'hiden'"),
        ("{hidden: x}", "line 2: space: Mine.build fails for .*: TypeError: "),
        ("{hidden: -1}", "line 2: space: Mine.build fails for .*: RuntimeError: "),
        (f"{{hidden: 1{'0' * 25}}}", "line 2: space: Mine.build fails for .*: "),
        (
            "{hidden: 100000000000}",
            "line 4: space.parameters: the networks of .*mine.py:Mine are too large to be trained",
        ),
    ],
)
def test_parameters_of_the_space_are_told_with_their_line(refusal, parameters, message):
    told = refusal(changed(PLAN, ("{hidden: 8}", parameters)))
    assert told.isprintable()
    assert re.match(message, told), told


@pytest.mark.parametrize(
    "statement",
    [
        "raise SystemExit",
        "raise SystemExit(0)",
        "raise GeneratorExit",
        "raise MemoryError",
        "raise RecursionError('too deep')",
        "raise ValueError('\\ud800\\x1b[31m\\nand a second line')",
        "raise type('Odd', (Exception,), {'__str__': lambda self: 1 / 0})",
    ],
)
@pytest.mark.parametrize("place", [IMPORTED, MADE, BUILT, RUN])
def test_whatever_a_space_raises_is_told(refusal, place, statement):
    indent = " " * (len(place) - len(place.lstrip()))
    told = refusal(mine=changed(MINE, (place, f"{indent}{statement}\n{place}")))
    assert told.isprintable()
    assert told.startswith("line ")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            (ASKED, 'choose("a\\ud800", [1])'),
            r"a choice's name has at most 1,000 characters, all of which can",
        ),
        (('"relu"', '"re\\nlu"'), r"choice 'act': a label has at most 1,000 characters, .* found 're\\nlu'"),
        ((ASKED, 'choose("act", [str(n) for n in range(20_000)])'), "choice 'act' has more than 1,000 options"),
        (
            (ASKED, f'[choose("x", range(80)), choose("y", range(80))] and {ASKED}'),
            "'x' and 'y' have 80 and 80 options",
        ),
        ((ASKED, "[choose(f'c{n}', [1, 2]) for n in range(10**9)]"), "asks more than 1,000 choices, or more than"),
        (
            (ASKED, "[choose('c', [1, 2]) for n in range(10**9)]"),
            "or more than 10,000 times; found the choice 'c'",
        ),
        (
            (ASKED, "choose(f'c{random.random()}', {'relu': nn.ReLU})"),
            "build asks other choices when it",
        ),
        ((ASKED, f"{ASKED}; choose('act', [1, 2])"), "choice 'act' is asked with the options 1, 2 and elsewhere"),
        (("Flat(),", "Flat(), *[nn.Identity()] * random.randrange(99),"), "makes other networks when it runs again"),
        (("self.hidden, 10)", "self.hidden, 3)"), r"return outputs of shape \('batch', 3\), wanted"),
        (("return nn.Sequential(", "return ("), "Mine.build returns an nn.Module, found tuple"),
        (("(1, 8, 8), 10,", "None, 10,"), "has None as its input_shape, wanted a tuple of whole numbers"),
        (("(1, 8, 8), 10,", "(1, 8, 8), '10',"), "has '10' as its classes, wanted a whole number"),
        (("class Mine(SearchSpace)", "class Mine"), "is not a subclass of nassim.space.SearchSpace"),
        (("class Mine(", "class Yours("), "has no class 'Mine'; its search spaces are Yours"),
        (("class Mine(", "class Mine(:"), "can't be imported: SyntaxError: "),
        (("import random", "import no_such_module"), "mine.py, line 1, can't be imported: ModuleNotFoundError"),
    ],
)
def test_what_is_wrong_with_a_space_is_told(refusal, change, message):
    told = refusal(mine=changed(MINE, change))
    assert told.isprintable()
    assert re.search(message, told), told


def test_what_is_kept_of_this_machine_and_can_not_be_read_is_told_before_anything_starts(tmp_path):
    (tmp_path / "small.yaml").write_text(
        changed(PLAN, ("mine.py:Mine", "cell"), ("hidden: 8", "input_shape: [1, 8, 8]"))
    )
    (tmp_path / "machines.json").write_text('[{"device": 3}]')
    done = nassim("run", "small.yaml", folder=tmp_path, NASSIM_MACHINES=str(tmp_path / "machines.json"))
    assert done.returncode == 2
    assert re.fullmatch(
        r"nassim: the calibrations in .* can't be read \(.*\); remove it, and measure .*\n", done.stderr
    )
    assert not (tmp_path / "nassim.db").exists()


@pytest.mark.parametrize("folder", ["/proc/nowhere", "{name}/" + "a" * 300, "{name}/small.yaml"])
def test_a_folder_that_can_not_be_made_is_told(tmp_path, folder):
    folder = folder.format(name=tmp_path)
    plan = changed(PLAN, ("mine.py:Mine", "cell"), ("hidden: 8", "input_shape: [1, 8, 8], width: 2, cells: 1"))
    (tmp_path / "small.yaml").write_text(f"{plan}checkpoint: {{folder: {folder}}}\n")
    done = nassim("run", "small.yaml", folder=tmp_path)
    assert done.returncode == 2
    assert re.fullmatch(r"nassim: .* can't be written, where runs leave their files: .*\n", done.stderr)


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("cpus_per_worker: 1e308", "cpus_per_worker: found 1e+308, wanted a number of at most 1000000"),
        ("cpus_per_worker: 1e-9", "cpus_per_worker: found 1e-09, wanted a number of at least 0.0001"),
        ("cpus_per_worker: .nan", "cpus_per_worker: found nan, wanted a finite number"),
        ("gpus_per_worker: 1.5", "gpus_per_worker: found 1.5: wanted a whole number, or a share of one GPU"),
        ("resources: {memory: 0.5}", "resources.memory: found 'memory': no custom resource; cpus_per_worker and"),
        ("resources: {object_store_memory: 1}", "resources.object_store_memory: found "),
        ("resources: {CPU: 1}", "resources.CPU: found 'CPU': no custom resource"),
        ("resources: {bundle: 1}", "resources.bundle: found 'bundle': no custom resource"),
        ('resources: {"a\\tb": 1}', "resources.a\tb: found 'a\\tb': must not begin"),
        ("resources: {a: -1}", "resources.a: found -1, wanted a number of at least 0.0001"),
        ("resources: {a: 1e300}", "resources.a: found 1e+300, wanted a number of at most 1000000"),
    ],
)
def test_what_ray_can_not_set_aside_is_told_before_it_starts(refusal, key, message):
    assert refusal(changed(PLAN, ("{kind: inline}", f"{{kind: ray, {key}}}"))).startswith(
        f"line 16: executor.{message}"
    )
