"""Training finds a known density, every switch matters, and a stopped run resumes bit for bit."""

import gc
import shutil
import subprocess
import sys
from dataclasses import replace
from itertools import combinations, islice, pairwise

import numpy as np
import pytest
import torch

from gsmflow_lite.config import MiningConfig, ModelConfig, TrainingConfig
from gsmflow_lite.datasets import gaussian_world
from gsmflow_lite.errors import ConfigError, StorageError, TrainingError
from gsmflow_lite.events import Epoch, Stage, Step
from gsmflow_lite.method.checkpoint import Checkpoint
from gsmflow_lite.method.descent import batch_losses
from gsmflow_lite.method.model import GSMFlow, SavedModel
from gsmflow_lite.method.objective import negative_log_likelihood
from gsmflow_lite.method.rows import TrainingRows, shuffled
from gsmflow_lite.method.training import fit, new_model
from gsmflow_lite.storage import read_tensors, write_tensors

MODEL = ModelConfig(blocks=2, hidden=8, embedding=6)
MINING = MiningConfig(epochs=2, batch=16, hidden=8, loops=3, lr=0.01)
PLAIN = TrainingConfig(epochs=4, batch=16, lr=0.01, mining=None)
WHOLE = replace(PLAIN, mining=MINING)


@pytest.fixture
def dataset(make_dataset):
    return make_dataset(seen=5)


@pytest.fixture
def train(dataset):
    """Train a new model and return it with all events."""

    def run(
        config: TrainingConfig = PLAIN, shape: ModelConfig = MODEL, **options
    ) -> tuple[GSMFlow, list]:
        model = new_model(dataset, shape)
        return model, list(fit(model, dataset, config, device="cpu", **options))

    return run


def weights(model: GSMFlow) -> torch.Tensor:
    return torch.cat([value.flatten() for value in model.state_dict().values()])


def prototypes(dataset) -> np.ndarray:
    """The mean training row of each of the five seen classes."""
    rows = [dataset.features[dataset.of_class(k, dataset.train)] for k in range(5)]
    return np.stack([of_class.mean(0) for of_class in rows])


def epochs(events: list) -> list[Epoch]:
    return [event for event in events if isinstance(event, Epoch)]


def no_clock(events: list) -> list[Epoch]:
    """Epochs as two equal runs report them: all but the time they took."""
    return [replace(epoch, seconds=0) for epoch in epochs(events)]


# --- events --------------------------------------------------------------------------------------


def test_stages_come_in_the_order_of_the_method(train):
    _, events = train(WHOLE)
    stages = [(event.name, event.total) for event in events if isinstance(event, Stage)]
    assert stages == [("relation network", 2), ("boundary samples", 40), ("flow", 4)]


def test_without_mining_there_is_one_stage(train):
    assert [event.name for event in train()[1] if isinstance(event, Stage)] == ["flow"]


def test_every_stage_counts_up_to_its_total(train):
    last = {event.stage: event for event in train(WHOLE)[1] if isinstance(event, Step)}
    assert all(event.done == event.total for event in last.values())
    assert list(last) == ["relation network", "boundary samples", "flow"]


def test_an_epoch_passes_each_real_and_each_mined_row_once(train):
    _, events = train(replace(WHOLE, epochs=1))
    assert sum(isinstance(event, Step) and event.stage == "flow" for event in events) == 2 * 40 / 16


def test_epochs_count_from_one_to_the_number_asked_for(train):
    assert [(event.epoch, event.epochs) for event in epochs(train()[1])] == [
        (1, 4),
        (2, 4),
        (3, 4),
        (4, 4),
    ]


def test_the_likelihood_of_an_epoch_is_the_mean_of_its_steps(train):
    _, events = train(replace(PLAIN, epochs=1))
    losses = [float(event.loss) for event in events if isinstance(event, Step)]
    assert epochs(events)[0].likelihood == pytest.approx(
        np.average(losses, weights=[16, 16, 8]), rel=1e-5
    )


def test_the_first_losses_are_those_of_the_untrained_model(dataset, train):
    model = new_model(dataset, MODEL)
    x = torch.from_numpy(dataset.features[dataset.train])
    a = torch.from_numpy(dataset.attributes)
    z, log_det = model(x, a, torch.from_numpy(dataset.labels[dataset.train]))
    likelihood = (z.square().sum(1) / 2 - log_det).mean().item() / 3
    images = model.synthesize(a[:5], 1, temperature=0)[:, 0].numpy()
    prototype = ((images - prototypes(dataset)) ** 2).mean()

    _, events = train(replace(PLAIN, epochs=1, batch=40, perturbation=0.0))
    first = epochs(events)[0]
    assert first.likelihood == pytest.approx(likelihood, rel=1e-5)
    assert first.prototype == pytest.approx(prototype, rel=1e-5)


def test_validate_sees_the_model_after_each_epoch_and_its_score_is_reported(dataset):
    model = new_model(dataset, MODEL)
    seen = []

    def validate(watched, epoch):
        assert watched is model
        assert not watched.training
        seen.append(weights(watched))
        return 10.0 * epoch

    events = list(fit(model, dataset, PLAIN, device="cpu", validate=validate))
    assert [event.score for event in epochs(events)] == [10, 20, 30, 40]
    assert not any(torch.equal(a, b) for a, b in pairwise(seen))
    assert torch.equal(seen[-1], weights(model))


def test_nothing_happens_until_events_are_asked_for(dataset, tmp_path):
    model = new_model(dataset, MODEL)
    before = weights(model)
    fit(model, dataset, WHOLE, device="cpu", checkpoint=tmp_path / "run")
    assert torch.equal(weights(model), before)
    assert not (tmp_path / "run").exists()


# --- what training does --------------------------------------------------------------------------


@pytest.mark.parametrize("start", ["none", "ridge-gaussian"])
def test_training_finds_the_known_density_of_seen_classes(start):
    world = gaussian_world(2, samples=200, seed=1)
    data = world.dataset
    model = new_model(data, ModelConfig(blocks=3, hidden=32, embedding=16, start=start))
    held = [(k, data.features[data.of_class(k, data.test_seen)]) for k in data.seen_classes]
    truth = np.mean([world.log_prob(x, k).mean() for k, x in held])

    def shortfall() -> float:
        """Nats by which the model's density of a held-out row is below the true one."""
        learned = [model.log_prob(x, data.attributes[k : k + 1]).mean().item() for k, x in held]
        return truth - np.mean(learned)

    before = shortfall()
    config = TrainingConfig(
        epochs=40,
        batch=64,
        lr=5e-3,
        lr_step=10,
        lr_gamma=0.5,
        mining=None,
        perturbation=0,
        weight_decay=0,
    )
    list(fit(model, data, replace(config, prototype_weight=0), device="cpu"))
    assert -0.05 < shortfall() < 0.1
    assert before > 0.5 or start != "none"


def test_the_learning_rate_falls_as_step_lr_makes_it_fall(train):
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.01)
    schedule = torch.optim.lr_scheduler.StepLR(optimiser, step_size=3, gamma=0.5)
    expected = []
    for _ in range(8):
        expected.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        schedule.step()
    _, events = train(replace(PLAIN, epochs=8, lr_step=3, lr_gamma=0.5))
    assert [event.lr for event in epochs(events)] == pytest.approx(expected, rel=1e-9)


def test_a_lower_rate_in_an_epoch_moves_the_weights_less(dataset):
    model = new_model(dataset, MODEL)
    at = [weights(model)]
    for event in fit(model, dataset, replace(PLAIN, lr_step=2, lr_gamma=1e-3), device="cpu"):
        if isinstance(event, Epoch):
            at.append(weights(model))
    moved = [(b - a).norm().item() for a, b in pairwise(at)]
    assert max(moved[2:]) < 0.01 * min(moved[:2])


def test_one_step_is_that_of_torch_adam_on_the_losses_written_out(dataset, train):
    config = replace(
        PLAIN, epochs=1, batch=40, perturbation=0.0, prototype_weight=2.0, weight_decay=0.1
    )
    expected = new_model(dataset, MODEL)
    optimiser = torch.optim.Adam(
        expected.parameters(), lr=config.lr, weight_decay=config.weight_decay
    )
    x = torch.from_numpy(dataset.features[dataset.train])
    labels = torch.from_numpy(dataset.labels[dataset.train])
    a = torch.from_numpy(dataset.attributes[:5])

    z, log_det = expected(x, a, labels)
    likelihood = (z**2).mean() / 2 - log_det.mean() / 3
    semantics = expected.positioning(a).detach()
    generated, _ = expected.flow.inverse(torch.zeros(5, 3), semantics)
    prototype = ((generated - torch.from_numpy(prototypes(dataset))) ** 2).mean()
    (likelihood + 2.0 * prototype).backward()
    optimiser.step()
    torch.testing.assert_close(weights(train(config)[0]), weights(expected), atol=2e-6, rtol=1e-4)


def test_the_prototype_loss_does_not_teach_the_positioning(train):
    # The first step of Adam depends on its own gradient only. So the positioning must move as if
    # there were no prototype loss.
    once = replace(PLAIN, epochs=1, batch=40, weight_decay=0.0)
    without, strong = (train(replace(once, prototype_weight=weight))[0] for weight in (0.0, 1000.0))
    assert torch.equal(without.positioning.weight, strong.positioning.weight)
    assert not torch.equal(without.flow.blocks[0].net1.out, strong.flow.blocks[0].net1.out)


def test_a_strong_prototype_loss_brings_the_image_of_the_origin_to_the_class_means(dataset, train):
    # Attributes are read as they are: the prototype loss does not teach the positioning.
    shape = replace(MODEL, relative_positioning=False)
    model, _ = train(replace(PLAIN, epochs=100, lr_step=100, prototype_weight=300.0), shape)
    means = prototypes(dataset)
    images = model.synthesize(dataset.attributes[:5], 1, temperature=0)[:, 0].numpy()
    assert ((images - means) ** 2).mean() < 0.05 * means.var()


SWITCHES = {
    "perturbation": (replace(PLAIN, perturbation=0.0), MODEL),
    "prototype loss": (replace(PLAIN, prototype_weight=0.0), MODEL),
    "weight decay": (replace(PLAIN, weight_decay=0.0), MODEL),
    "mining": (WHOLE, MODEL),
    "semantics in the first block": (PLAIN, replace(MODEL, semantics="first")),
    "no semantics": (PLAIN, replace(MODEL, semantics="none")),
    "relative positioning": (PLAIN, replace(MODEL, relative_positioning=False)),
    "anchors": (PLAIN, replace(MODEL, anchors="seen")),
    "ridge start": (PLAIN, replace(MODEL, start="ridge")),
    "ridge-Gaussian start": (PLAIN, replace(MODEL, start="ridge-gaussian")),
    "clamp": (PLAIN, replace(MODEL, clamp=0.3)),
    "scaled attributes": (PLAIN, replace(MODEL, scale_attributes=True)),
}


@pytest.mark.parametrize("switch", SWITCHES)
def test_every_switch_changes_what_is_learned(dataset, train, switch):
    plain = train()[0]
    switched = train(*SWITCHES[switch])[0]
    samples = [model.synthesize(dataset.attributes, 20) for model in (plain, switched)]
    assert not torch.isclose(*samples, atol=1e-6, rtol=0).all()


@pytest.mark.parametrize("precision", ["tf32", "bf16"])
def test_shorter_arithmetic_learns_the_same_but_for_rounding(train, precision):
    untrained, _ = train(replace(PLAIN, lr=1e-12))
    exact, _ = train(PLAIN)
    rounded, _ = train(replace(PLAIN, precision=precision))
    moved = weights(exact) - weights(untrained)
    apart = weights(exact) - weights(rounded)
    assert apart.norm() < 0.05 * moved.norm()
    assert rounded.flow.blocks[0].net1.out.dtype == torch.float32
    assert (
        apart.any() or precision == "tf32"
    )  # which rounds only where the hardware is faster for it


def test_no_arithmetic_is_left_for_whoever_watches(dataset):
    events = fit(new_model(dataset, MODEL), dataset, replace(PLAIN, precision="bf16"), device="cpu")
    for _ in events:
        assert not torch.is_autocast_enabled("cpu")


def rows_in_double_precision(dataset) -> TrainingRows:
    data = TrainingRows.of(dataset, torch.device("cpu"))
    return replace(
        data,
        features=data.features.double(),
        attributes=data.attributes.double(),
        prototypes=data.prototypes.double(),
    )


def test_with_more_classes_than_rows_in_a_batch_the_loss_is_the_same(dataset):
    model = new_model(dataset, MODEL).double()
    data = rows_in_double_precision(dataset)
    x = data.features[[1, 2, 8, 30]]
    labels = data.labels[[1, 2, 8, 30]]
    assert len(labels.unique()) < len(x) < len(data.attributes)
    z, log_det = model(x, data.attributes[labels])  # the attributes of each row
    expected = negative_log_likelihood(z, log_det)
    torch.testing.assert_close(batch_losses(model, x, labels, data, 1.0)[0], expected)


def test_the_prototype_loss_of_some_classes_has_the_expectation_of_the_loss_of_all(dataset):
    model = new_model(dataset, MODEL).double()
    with torch.no_grad():
        for weight in model.flow.parameters():
            weight.mul_(30)  # so that classes differ
    data = rows_in_double_precision(dataset)
    x, labels = data.features[:9], data.labels[:9]
    parameters = list(model.parameters())

    def losses_and_gradient(drawn):
        losses = batch_losses(model, x, labels, data, 1.0, drawn)
        gradient = torch.autograd.grad(losses.sum(), parameters)
        return [losses, *gradient]

    classes = range(len(data.prototypes))
    parts = [losses_and_gradient(torch.tensor(part)) for part in combinations(classes, 2)]
    means = [torch.stack(of_parts).mean(0) for of_parts in zip(*parts, strict=True)]
    torch.testing.assert_close(means, losses_and_gradient(None))
    assert parts[0][0][1] != parts[-1][0][1]


def test_every_class_is_drawn_alike_and_anew_for_each_step(dataset, monkeypatch):
    drawn = []

    def recording(model, x, labels, rows, weight, some):
        drawn.append(some)
        return batch_losses(model, x, labels, rows, weight, some)

    monkeypatch.setattr("gsmflow_lite.method.descent.batch_losses", recording)
    config = TrainingConfig(epochs=40, batch=16, mining=None, prototype_classes=2)
    seen = len(dataset.seen_classes)
    list(fit(new_model(dataset, MODEL), dataset, config, device="cpu"))
    assert all(len(some.unique()) == 2 for some in drawn)
    counts = torch.cat(drawn).bincount(minlength=seen)
    assert counts.min() > 0.5 * counts.max()

    drawn.clear()
    for most in (None, seen, seen + 1):
        list(
            fit(
                new_model(dataset, MODEL),
                dataset,
                replace(config, epochs=1, prototype_classes=most),
                device="cpu",
            )
        )
    assert set(drawn) == {None}


@pytest.mark.long
@pytest.mark.filterwarnings("ignore")  # torch's compiler warns of itself
def test_compiled_steps_learn_what_plain_ones_do(train):
    shape = replace(MODEL, blocks=1)
    one_size = replace(PLAIN, batch=20)  # every other size of batch would be compiled, too
    plain = weights(train(one_size, shape)[0])
    compiled = weights(train(one_size, shape, compiled=True)[0])
    torch.testing.assert_close(compiled, plain, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("setting", ["step", "loops", "beta", "epochs", "lr"])
def test_every_setting_of_the_mining_changes_what_is_learned(train, setting):
    other = replace(MINING, **{setting: getattr(MINING, setting) * 2})
    assert not torch.equal(
        weights(train(WHOLE)[0]), weights(train(replace(WHOLE, mining=other))[0])
    )


def test_mining_with_a_step_of_zero_trains_on_every_row_twice(train):
    twice = replace(WHOLE, mining=replace(MINING, step=0.0), perturbation=0.0, epochs=1, batch=80)
    once = replace(PLAIN, perturbation=0.0, epochs=1, batch=40)
    likelihoods = [epochs(train(config)[1])[0].likelihood for config in (twice, once)]
    assert likelihoods[0] == pytest.approx(likelihoods[1], rel=1e-5)


def test_rows_outside_the_training_split_have_no_influence(dataset, train):
    changed = dataset.features.copy()
    changed[np.r_[dataset.test_seen, dataset.test_unseen]] += 100
    model = new_model(dataset, MODEL)
    list(fit(model, replace(dataset, features=changed), WHOLE, device="cpu"))
    assert torch.equal(weights(model), weights(train(WHOLE)[0]))


def test_a_batch_larger_than_the_data_is_all_the_data(train):
    huge, all_of_it = (train(replace(PLAIN, batch=batch)) for batch in (10_000, 40))
    assert torch.equal(weights(huge[0]), weights(all_of_it[0]))
    assert no_clock(huge[1]) == no_clock(all_of_it[1])


def test_labels_need_not_count_the_seen_classes_without_gaps(make_dataset):
    plain = make_dataset(seen=3, unseen=1)
    names = np.array([1, 2, 3, 0])  # the unseen class becomes number 0
    renamed = replace(
        plain,
        labels=names[plain.labels],
        attributes=plain.attributes[np.argsort(names)],
        class_names=(),
        attribute_names=(),
    )
    models = [
        new_model(data, replace(MODEL, relative_positioning=False)) for data in (plain, renamed)
    ]
    for model, data in zip(models, (plain, renamed), strict=True):
        list(fit(model, data, WHOLE, device="cpu"))
    assert torch.equal(*map(weights, models))


# --- randomness ----------------------------------------------------------------------------------


@pytest.mark.parametrize("config", [PLAIN, WHOLE], ids=["plain", "mining"])
def test_the_same_seed_trains_the_same_model(train, config):
    assert torch.equal(weights(train(config, seed=3)[0]), weights(train(config, seed=3)[0]))


@pytest.mark.parametrize("config", [PLAIN, WHOLE], ids=["plain", "mining"])
def test_another_seed_trains_another_model(train, config):
    assert not torch.equal(weights(train(config, seed=3)[0]), weights(train(config, seed=4)[0]))


def test_another_seed_mines_other_boundary_samples(train):
    # In one batch, without noise, nothing else about the first loss depends on the seed.
    mining = replace(MINING, batch=40, loops=20, step=1.0)
    config = replace(WHOLE, mining=mining, epochs=1, batch=80, perturbation=0.0)
    first, other = (epochs(train(config, seed=seed)[1])[0].likelihood for seed in (1, 2))
    assert abs(first - other) > 1e-3


def test_another_seed_starts_another_model(dataset):
    assert not torch.equal(
        weights(new_model(dataset, MODEL, seed=1)), weights(new_model(dataset, MODEL, seed=2))
    )


def test_the_global_random_streams_are_left_alone(train):
    torch.manual_seed(12345)  # a state that nothing else would set by chance
    np.random.seed(12345)  # noqa: NPY002 - the stream itself
    torch_before = torch.get_rng_state()
    numpy_before = np.random.get_state()  # noqa: NPY002
    train(WHOLE)
    assert torch.equal(torch.get_rng_state(), torch_before)
    np.testing.assert_equal(np.random.get_state(), numpy_before)  # noqa: NPY002


def test_the_global_random_stream_has_no_influence(train):
    torch.manual_seed(1)
    first = weights(train(WHOLE)[0])
    torch.manual_seed(2)
    assert torch.equal(first, weights(train(WHOLE)[0]))


STILL = replace(PLAIN, lr=1e-12)  # losses then differ between epochs through order and noise alone


def test_every_epoch_shuffles_anew(train):
    losses = [
        float(event.loss)
        for event in train(replace(STILL, perturbation=0.0))[1]
        if isinstance(event, Step)
    ]
    assert len({round(loss, 5) for loss in losses}) == len(losses)


def test_every_epoch_perturbs_anew(dataset):
    alike = replace(
        dataset, features=np.zeros_like(dataset.features)
    )  # so that the order of rows does not matter
    events = fit(
        new_model(alike, replace(MODEL, semantics="none")),
        alike,
        replace(STILL, batch=40),
        device="cpu",
    )
    losses = [float(event.loss) for event in events if isinstance(event, Step)]
    assert len({round(loss, 6) for loss in losses}) == len(losses) == 4


# --- resuming ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "shape", [MODEL, replace(MODEL, start="ridge-gaussian")], ids=["plain", "start"]
)
@pytest.mark.parametrize("config", [PLAIN, WHOLE], ids=["plain", "mining"])
def test_two_epochs_and_two_more_are_four_bit_for_bit(train, tmp_path, config, shape):
    whole, events = train(config, shape)
    train(replace(config, epochs=2), shape, checkpoint=tmp_path / "run")
    resumed, events_resumed = train(config, shape, checkpoint=tmp_path / "run")
    assert torch.equal(weights(resumed), weights(whole))
    assert no_clock(events_resumed) == no_clock(events)


@pytest.mark.parametrize("config", [PLAIN, WHOLE], ids=["plain", "mining"])
def test_a_run_closed_in_the_middle_of_an_epoch_resumes_bit_for_bit(
    dataset, train, tmp_path, config
):
    events = fit(
        new_model(dataset, MODEL), dataset, config, device="cpu", checkpoint=tmp_path / "run"
    )
    for event in events:
        if isinstance(event, Epoch) and event.epoch == 2:
            break
    assert isinstance(next(events), Step)  # of epoch 3
    events.close()
    assert torch.equal(
        weights(train(config, checkpoint=tmp_path / "run")[0]), weights(train(config)[0])
    )


def test_a_checkpoint_changes_nothing_about_the_training(train, tmp_path):
    assert torch.equal(weights(train(checkpoint=tmp_path / "run")[0]), weights(train()[0]))


def test_resuming_repeats_past_epochs_before_anything_else(train, tmp_path):
    _, first = train(
        replace(PLAIN, epochs=2),
        checkpoint=tmp_path / "run",
        validate=lambda model, epoch: epoch / 2,
    )
    _, again = train(checkpoint=tmp_path / "run")
    assert again[:2] == [replace(event, epochs=4) for event in epochs(first)]
    assert isinstance(again[2], Stage)


def test_a_finished_run_is_repeated_without_training(train, tmp_path):
    trained, events = train(WHOLE, checkpoint=tmp_path / "run")
    again, repeated = train(WHOLE, checkpoint=tmp_path / "run")
    assert epochs(repeated) == epochs(events)
    assert not any(isinstance(event, Step) for event in repeated)
    assert torch.equal(weights(again), weights(trained))


def test_a_finished_run_may_go_on_for_more_epochs(train, tmp_path):
    train(replace(PLAIN, epochs=3), checkpoint=tmp_path / "run")
    assert torch.equal(weights(train(checkpoint=tmp_path / "run")[0]), weights(train()[0]))


def test_fewer_epochs_than_are_done_are_refused(train, tmp_path):
    train(checkpoint=tmp_path / "run")
    with pytest.raises(
        StorageError,
        match="run has 4 epochs done, more than the 2 asked for: name another checkpoint",
    ):
        train(replace(PLAIN, epochs=2), checkpoint=tmp_path / "run")


def test_a_checkpoint_of_another_seed_is_refused(train, tmp_path):
    train(checkpoint=tmp_path / "run", seed=1)
    with pytest.raises(
        StorageError,
        match=r"run belongs to a run with another seed \(1, now 2\): name another checkpoint",
    ):
        train(checkpoint=tmp_path / "run", seed=2)


def test_after_the_last_epoch_the_moments_of_adam_are_given_back(dataset):
    model = new_model(dataset, MODEL)
    parameters = set(map(id, model.parameters()))

    def moments() -> int:
        """How many parameters of the model have moments in an optimiser, whoever holds it."""
        count = 0
        for thing in gc.get_objects():
            if issubclass(type(thing), torch.optim.Optimizer):
                optimised = {id(p) for group in thing.param_groups for p in group["params"]}
                count += len(thing.state) if optimised & parameters else 0
        return count

    events = fit(model, dataset, PLAIN, device="cpu")
    held = [moments() for event in events if isinstance(event, Epoch)]
    assert held == [len(parameters)] * (PLAIN.epochs - 1) + [0]


def test_a_checkpoint_with_other_anchors_is_refused(dataset, tmp_path):
    model = replace(MODEL, relative_positioning=True)
    changed = dataset.attributes.copy()
    changed[dataset.unseen_classes] *= 5  # of all descriptions, which anchors are chosen from
    other = replace(dataset, attributes=changed)
    begun = new_model(dataset, model)
    anew = new_model(other, model)
    assert not torch.equal(begun.positioning.anchors, anew.positioning.anchors)
    list(fit(begun, dataset, PLAIN, device="cpu", checkpoint=tmp_path / "run"))
    with pytest.raises(
        StorageError, match=r"belongs to a run with another data .*name another checkpoint"
    ):
        next(fit(anew, other, PLAIN, device="cpu", checkpoint=tmp_path / "run"))


@pytest.mark.parametrize("field", ["features", "attributes"])
def test_a_checkpoint_of_other_data_is_refused(dataset, train, tmp_path, field):
    train(checkpoint=tmp_path / "run")
    other = replace(dataset, **{field: getattr(dataset, field) * 1.001})
    with pytest.raises(
        StorageError, match=r"belongs to a run with another data .*name another checkpoint"
    ):
        next(fit(new_model(other, MODEL), other, PLAIN, device="cpu", checkpoint=tmp_path / "run"))


@pytest.mark.parametrize(
    "change", [{"lr": 0.02}, {"batch": 8}, {"perturbation": 0.2}, {"mining": MINING}]
)
def test_a_checkpoint_of_other_training_settings_is_refused(train, tmp_path, change):
    train(checkpoint=tmp_path / "run")
    with pytest.raises(
        StorageError, match=r"belongs to a run with another training .*go back to those"
    ):
        train(replace(PLAIN, **change), checkpoint=tmp_path / "run")


def test_a_checkpoint_of_another_model_is_refused(train, tmp_path):
    train(checkpoint=tmp_path / "run")
    with pytest.raises(
        StorageError, match=r"belongs to a run with another model .*go back to those"
    ):
        train(shape=replace(MODEL, hidden=9), checkpoint=tmp_path / "run")


def test_a_model_is_not_taken_for_a_checkpoint(dataset, train, tmp_path):
    SavedModel(model=new_model(dataset, MODEL)).save(tmp_path / "model.safetensors")
    words = "must be a training checkpoint, got another file: name a new one"
    with pytest.raises(StorageError, match=rf"model\.safetensors {words}"):
        train(checkpoint=tmp_path / "model.safetensors")


@pytest.mark.parametrize(
    "lost", ["adam.exp_avg.flow.blocks.0.net1.out", "model.flow.blocks.0.net1.out", "history"]
)
def test_a_checkpoint_with_a_part_missing_is_refused(train, tmp_path, lost):
    train(checkpoint=tmp_path / "run")
    tensors, settings = read_tensors(tmp_path / "run")
    kept = [
        {name: value for name, value in part.items() if name != lost}
        for part in (tensors, settings)
    ]
    write_tensors(tmp_path / "run", *kept)
    with pytest.raises(
        StorageError,
        match=r"(?s)run must hold a whole training state, but .*it is damaged, delete it",
    ):
        train(checkpoint=tmp_path / "run")


@pytest.mark.parametrize(
    "damage",
    [
        lambda tensors: {
            name: value[:1] if name.startswith("adam.exp_avg.") else value
            for name, value in tensors.items()
        },
        lambda tensors: {
            name: value.double() if "exp_avg_sq" in name else value
            for name, value in tensors.items()
        },
        lambda tensors: {
            name: value * torch.nan if name.startswith("adam.step") else value
            for name, value in tensors.items()
        },
        lambda tensors: {
            name: value * torch.nan if name.endswith("out_bias") else value
            for name, value in tensors.items()
        },
    ],
    ids=["short moments", "doubles", "no step", "no weights"],
)
def test_a_checkpoint_with_tensors_of_another_kind_is_refused_and_the_model_left(
    dataset, train, tmp_path, damage
):
    train(checkpoint=tmp_path / "run")  # a short moment, unseen, would be read past its end
    tensors, settings = read_tensors(tmp_path / "run")
    write_tensors(tmp_path / "run", damage(tensors), settings)
    model = new_model(dataset, MODEL)
    before = weights(model)
    with pytest.raises(
        StorageError, match=r"must hold a whole training state, but .*: it is damaged, delete it"
    ):
        list(fit(model, dataset, PLAIN, device="cpu", checkpoint=tmp_path / "run"))
    assert torch.equal(weights(model), before)


@pytest.mark.filterwarnings("ignore:.*which is a no-op")
def test_all_of_a_checkpoint_goes_to_the_device_of_the_weights(dataset, train, tmp_path):
    """Adam's fused step of CUDA refuses a counter that is left on the host; meta stands for it."""
    shape = replace(MODEL, relative_positioning=False)
    train(shape=shape, checkpoint=tmp_path / "run")
    model = new_model(dataset, shape).to("meta")
    optimiser = torch.optim.Adam(model.parameters())
    with pytest.warns(
        RuntimeWarning, match=r"began on 'cpu' goes on on 'meta': .*draws other noise"
    ):
        history = Checkpoint(tmp_path / "run", model, optimiser, PLAIN, 0, dataset).resume()
    assert len(history) == PLAIN.epochs
    kept = [value for moments in optimiser.state.values() for value in moments.values()]
    assert len(kept) == 3 * len(list(model.parameters()))
    assert {value.device.type for value in kept} == {"meta"}


def test_a_checkpoint_of_a_version_that_kept_no_device_goes_on_without_a_note(train, tmp_path):
    expected = weights(train()[0])
    train(replace(PLAIN, epochs=2), checkpoint=tmp_path / "run")
    tensors, settings = read_tensors(tmp_path / "run")
    assert settings.pop("device") == "cpu"
    write_tensors(tmp_path / "run", tensors, settings)
    assert torch.equal(weights(train(checkpoint=tmp_path / "run")[0]), expected)


@pytest.mark.parametrize("device", [2, {"a": 1}, None, "", "two words", "-1"])
def test_a_checkpoint_of_a_device_that_is_none_is_damaged(train, tmp_path, device):
    train(replace(PLAIN, epochs=2), checkpoint=tmp_path / "run")
    tensors, settings = read_tensors(tmp_path / "run")
    write_tensors(tmp_path / "run", tensors, settings | {"device": device})
    with pytest.raises(StorageError, match="must hold a whole training state, but its device is"):
        train(checkpoint=tmp_path / "run")


def test_a_full_disk_leaves_the_checkpoint_of_the_epoch_before(
    dataset, train, tmp_path, monkeypatch
):
    path = tmp_path / "run"
    events = fit(new_model(dataset, MODEL), dataset, PLAIN, device="cpu", checkpoint=path)
    next(event for event in events if isinstance(event, Epoch))

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.replace", full)
        with pytest.raises(
            StorageError, match=r"No space left on device.*an older file there is untouched"
        ):
            list(events)
    assert torch.equal(weights(train(checkpoint=path)[0]), weights(train()[0]))


CLAIM = """
import sys
import filelock

claim = filelock.FileLock(sys.argv[1])
claim.acquire()
print("mine", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def other_process(tmp_path):
    """Another process at the checkpoint ``run``."""
    command = [sys.executable, "-c", CLAIM, str(tmp_path / ".run.lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"mine\n"
        yield process
        process.kill()


def test_a_checkpoint_that_another_process_writes_is_refused(train, tmp_path, other_process):
    with pytest.raises(
        StorageError,
        match="run must be written by one process at a time, but another one is training there",
    ):
        train(checkpoint=tmp_path / "run")


def test_a_claim_dies_with_its_process(train, tmp_path, other_process):
    other_process.kill()
    other_process.wait()
    train(checkpoint=tmp_path / "run")
    assert (tmp_path / "run").is_file()


def test_a_run_that_a_notebook_still_holds_is_not_in_the_way(dataset, train, tmp_path):
    held = fit(new_model(dataset, MODEL), dataset, PLAIN, device="cpu", checkpoint=tmp_path / "run")
    next(event for event in held if isinstance(event, Epoch))
    again, _ = train(checkpoint=tmp_path / "run")
    held.close()
    assert torch.equal(weights(again), weights(train()[0]))


def test_a_folder_that_vanishes_is_made_again(dataset, train, tmp_path):
    events = fit(
        new_model(dataset, MODEL),
        dataset,
        PLAIN,
        device="cpu",
        checkpoint=tmp_path / "runs" / "run",
    )
    next(event for event in events if isinstance(event, Epoch))
    shutil.rmtree(tmp_path / "runs")
    list(events)
    assert torch.equal(weights(train(checkpoint=tmp_path / "runs" / "run")[0]), weights(train()[0]))


# --- stopping and failing ------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["relation network", "boundary samples", "flow"])
def test_an_interrupt_leaves_a_usable_model(dataset, stage):
    model = new_model(dataset, MODEL)
    events = fit(model, dataset, WHOLE, device="cpu")
    next(event for event in events if isinstance(event, Step) and event.stage == stage)
    with pytest.raises(KeyboardInterrupt):
        events.throw(KeyboardInterrupt())
    assert model.synthesize(dataset.attributes, 5).isfinite().all()
    assert model.log_prob(dataset.features, dataset.attributes).isfinite().all()


def test_what_was_learned_before_an_interrupt_is_kept(dataset, train):
    model = new_model(dataset, MODEL)
    events = fit(model, dataset, PLAIN, device="cpu")
    next(event for event in events if isinstance(event, Epoch) and event.epoch == 2)
    with pytest.raises(KeyboardInterrupt):
        events.throw(KeyboardInterrupt())
    expected = new_model(dataset, MODEL)
    list(
        islice(fit(expected, dataset, PLAIN, device="cpu"), 9)
    )  # a stage, then twice three steps and an epoch
    assert torch.equal(weights(model), weights(expected))


def test_an_interrupted_model_may_be_trained_further(dataset):
    model = new_model(dataset, MODEL)
    next(event for event in fit(model, dataset, PLAIN, device="cpu") if isinstance(event, Step))
    history = epochs(list(fit(model, dataset, replace(PLAIN, epochs=40), device="cpu")))
    assert history[-1].likelihood < history[0].likelihood


def test_features_too_large_for_a_finite_loss_are_refused_with_the_model_unchanged(make_dataset):
    plain = make_dataset()
    huge = replace(plain, features=plain.features * np.float32(1e30))
    model = new_model(huge, MODEL)
    before = weights(model)
    with pytest.raises(
        TrainingError, match=r"loss must stay finite, got .* in epoch 1, .*scale the features"
    ):
        list(fit(model, huge, PLAIN, device="cpu"))
    assert torch.equal(weights(model), before)


def test_a_diverging_loss_leaves_the_weights_of_the_last_good_epoch(dataset):
    model = new_model(dataset, MODEL)
    events = []
    wild = replace(PLAIN, lr=1e18, lr_step=1, lr_gamma=1.0, epochs=50)
    before = weights(model)
    with pytest.raises(
        TrainingError, match=r"lower the learning rate \(1e\+18\).*has the weights of epoch 0"
    ):
        events.extend(fit(model, dataset, wild, device="cpu"))
    assert epochs(events) == []
    assert torch.equal(weights(model), before)


def test_a_loss_that_fails_late_leaves_the_epoch_before_it(dataset):
    model = new_model(dataset, MODEL)
    events = fit(model, dataset, PLAIN, device="cpu")
    next(event for event in events if isinstance(event, Epoch) and event.epoch == 2)
    good = weights(model)
    assert isinstance(next(events), Step)
    model.flow.blocks[0].net1.out.data.fill_(torch.nan)
    with pytest.raises(TrainingError, match=r"in epoch 3, .*the model has the weights of epoch 2"):
        list(events)
    assert torch.equal(weights(model), good)


def test_weights_that_the_last_step_spoils_are_noticed(dataset):
    model = new_model(dataset, MODEL)
    huge = replace(PLAIN, epochs=1, lr=1e38, batch=1000)
    with pytest.raises(TrainingError, match="the loss must stay finite"):
        list(fit(model, dataset, huge, device="cpu"))
    assert all(parameter.isfinite().all() for parameter in model.parameters())


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_that_no_generator_takes_is_refused(dataset, seed):
    with pytest.raises(ConfigError, match=r"seed must be from 0 to 4294967295, got"):
        next(fit(new_model(dataset, MODEL), dataset, PLAIN, seed=seed, device="cpu"))


def test_a_score_of_numpys_is_kept_as_a_number(dataset, tmp_path):
    events = fit(
        new_model(dataset, MODEL),
        dataset,
        PLAIN,
        device="cpu",
        validate=lambda model, epoch: np.float32(0.5),
        checkpoint=tmp_path / "c",
    )
    assert [type(epoch.score) for epoch in epochs(list(events))] == [float] * 4


def test_a_score_that_is_not_finite_stops_training_with_a_reason(dataset):
    with pytest.raises(
        TrainingError, match="validate must return a finite number or None, got nan after epoch 1"
    ):
        list(
            fit(
                new_model(dataset, MODEL),
                dataset,
                PLAIN,
                device="cpu",
                validate=lambda model, epoch: float("nan"),
            )
        )


def test_a_loss_that_is_not_finite_names_its_step_and_the_rows(dataset):
    seed = 3
    batch = 4
    strange = dataset.train[7]
    features = dataset.features.copy()
    features[strange] = 1e30
    order = shuffled(len(dataset.train), seed, 0).tolist()
    step = order.index(7) // batch
    rows = dataset.train[order[step * batch : step * batch + 3]]
    named = ", ".join(map(str, rows))
    config = replace(PLAIN, batch=batch, prototype_weight=0)
    with pytest.raises(
        TrainingError,
        match=rf"step {step + 1} of .*4 rows of the data set \({named} \.\.\.\) .*reach 1e\+30",
    ):
        list(
            fit(
                new_model(dataset, MODEL),
                replace(dataset, features=features),
                config,
                seed=seed,
                device="cpu",
            )
        )


@pytest.mark.parametrize(
    ("strange", "first"), [("features", "scale the features"), ("rate", "lower the learning rate")]
)
def test_a_loss_that_is_not_finite_is_reported_with_the_likelier_cause_first(
    dataset, strange, first
):
    data = (
        replace(dataset, features=dataset.features * np.float32(1e30))
        if strange == "features"
        else dataset
    )
    config = replace(PLAIN, lr=1e18) if strange == "rate" else PLAIN
    with pytest.raises(TrainingError, match=rf"reach \S+: {first}"):
        list(fit(new_model(data, MODEL), data, config, device="cpu"))


# --- memory --------------------------------------------------------------------------------------


@pytest.fixture
def small_device(monkeypatch):
    """Losses of more than so many rows run out of memory."""

    def of(rows: int, error: RuntimeError) -> None:
        def losses(model, x, *rest):
            if len(x) > rows:
                raise error
            return batch_losses(model, x, *rest)

        monkeypatch.setattr("gsmflow_lite.method.descent.batch_losses", losses)

    return of


OUT_OF_MEMORY = [
    torch.OutOfMemoryError("CUDA out of memory."),
    RuntimeError("DefaultCPUAllocator: can't allocate memory"),
]


@pytest.mark.parametrize("error", OUT_OF_MEMORY)
def test_running_out_of_memory_is_one_sentence_with_the_setting_to_lower(
    small_device, train, error
):
    small_device(5, error)
    with pytest.raises(
        TrainingError,
        match=r"batch of 16 rows, but .* on cpu: lower TrainingConfig.batch, or .*halve=True",
    ):
        train()


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_a_halved_batch_takes_the_same_steps(small_device, train, weight):
    config = replace(PLAIN, prototype_weight=weight)
    expected = weights(train(config)[0])
    small_device(5, OUT_OF_MEMORY[0])
    torch.testing.assert_close(
        weights(train(config, halve=True)[0]), expected, rtol=1e-3, atol=1e-5
    )


def test_a_halved_batch_reports_the_same_losses(small_device, train):
    expected = [epoch.likelihood for epoch in epochs(train()[1])]
    small_device(5, OUT_OF_MEMORY[0])
    assert [epoch.likelihood for epoch in epochs(train(halve=True)[1])] == pytest.approx(
        expected, rel=1e-4
    )


def test_memory_too_small_for_a_single_row_is_an_error_and_not_tried_for_ever(small_device, train):
    small_device(0, OUT_OF_MEMORY[0])
    with pytest.raises(TrainingError, match="memory must hold a batch"):
        train(halve=True)


def test_another_error_is_not_taken_for_one_of_memory(small_device, train):
    small_device(0, RuntimeError("something else"))
    with pytest.raises(RuntimeError, match="something else"):
        train(halve=True)


def test_too_many_rows_for_the_device_are_an_error(train, monkeypatch):
    def full(*_, **__):
        raise OUT_OF_MEMORY[0]

    monkeypatch.setattr("gsmflow_lite.method.rows.TrainingRows.of", full)
    with pytest.raises(
        TrainingError,
        match=r"training rows must fit into the memory of cpu, .*: keep the features in a",
    ):
        train()
