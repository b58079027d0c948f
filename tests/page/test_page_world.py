"""What a page holds of data and flows is all that its numbers need, and it says what it is."""

import io
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from odd_world import FEATURES, MODELS, odd_dataset, odd_flows, odd_world, packed, turned_map
from PIL import Image
from scipy.stats import spearmanr

from gsmflow_lite import ConfigError, Injected, RidgeGaussian, SavedModel, measure, metrics
from gsmflow_lite.config import Config, TrainingConfig
from gsmflow_lite.datasets.preprocessing import Preprocessing
from gsmflow_lite.explorer.scene import Scene
from gsmflow_lite.figures.style import dataset_colours
from gsmflow_lite.generators.zoo import glyph_zoo, hangul_zoo
from gsmflow_lite.method.model import rebuild
from gsmflow_lite.page.models import flows_of_models
from gsmflow_lite.page.packing import unpack
from gsmflow_lite.page.pictures import PagePictures
from gsmflow_lite.page.world import PageWorld, world_of, world_of_zoo
from gsmflow_lite.seeds import derived_seed
from gsmflow_lite.shifts.readout import AttributeReadout


@cache
def letters() -> PageWorld:
    return world_of_zoo(glyph_zoo())


@cache
def syllables() -> PageWorld:
    return world_of_zoo(hangul_zoo())


@cache
def opened(world: PageWorld) -> tuple[dict, dict[str, np.ndarray]]:
    """The header and the arrays of one world, as they come out of a page."""
    header, arrays = unpack(packed(world))
    before = f"{world.name}/"
    return header["worlds"][0], {name.removeprefix(before): a for name, a in arrays.items()}


WORLDS = [letters, syllables, odd_world]

# --- What it is ----------------------------------------------------------------------------------


def test_the_flows_of_letters_are_the_best_one_and_those_that_lack_one_mechanism():
    flows = opened(letters())[0]["flows"]
    assert [flow["key"] for flow in flows] == ["1111", "1110", "1101", "1011", "0011", "ridge"]
    assert [flow["title"] for flow in flows] == [
        "GSMFlow",
        "without ridge start",
        "without perturbation",
        "without relative positioning",
        "without semantics",
        "ridge-Gaussian",
    ]
    assert flows[3]["switches"]["positioning"] is False
    assert flows[3]["switches"]["start"] is True


def test_hangul_has_its_one_flow_and_the_baseline():
    assert [flow["key"] for flow in opened(syllables())[0]["flows"]] == ["1110", "ridge"]


def test_the_header_says_how_each_flow_is_run():
    flows = opened(odd_world())[0]["flows"]
    first, published, plain, ridge = flows
    assert (first["blocks"], first["hidden"], first["positioning"], first["start"]) == (
        *(3, 24, True),
        True,
    )
    assert published["start"] is False
    assert published["startLogDet"] == 0
    assert 0 < published["unit"] != 1  # its attributes are scaled
    assert plain["reads"] == [True, False, False]
    assert plain["positioning"] is False
    assert ridge["blocks"] == 0
    root = odd_flows()[0].model.start.root.double()
    assert first["startLogDet"] == pytest.approx(float(-torch.logdet(root)), rel=1e-5)
    assert ridge["startLogDet"] == first["startLogDet"]


@pytest.mark.parametrize("world", WORLDS)
def test_classes_and_attributes_are_those_of_the_data(world):
    header, arrays = opened(world())
    dataset = world().dataset
    classes = header["classes"]
    assert classes["names"] == list(dataset.class_names)
    assert [k for k, seen in enumerate(classes["seen"]) if not seen] == list(dataset.unseen_classes)
    assert len({classes["colours"][k] for k in classes["chosen"]}) == len(classes["chosen"])
    if len(dataset.unseen_classes) == len(classes["chosen"]):  # as everywhere else
        of_data = dataset_colours(dataset)
        assert classes["colours"] == [of_data[k] for k in range(len(dataset.attributes))]
    np.testing.assert_array_equal(arrays["attributes"], dataset.attributes)
    np.testing.assert_array_equal(arrays["low"], dataset.attributes.min(0))
    np.testing.assert_array_equal(arrays["high"], dataset.attributes.max(0))


def test_chosen_classes_are_unseen_at_most_twelve_and_evenly_chosen():
    chosen = opened(syllables())[0]["classes"]["chosen"]
    unseen = syllables().dataset.unseen_classes
    places = np.searchsorted(unseen, chosen)
    assert len(chosen) == 12
    np.testing.assert_array_equal(unseen[places], chosen)
    assert set(np.diff(places)) <= {5, 6}
    assert opened(letters())[0]["classes"]["chosen"] == list(letters().dataset.unseen_classes)


def test_a_class_with_too_few_real_rows_is_not_chosen():
    dataset = odd_dataset()
    poor = dataset.unseen_classes[1]
    rows = dataset.of_class(poor, dataset.test_unseen)
    fewer = replace(dataset, test_unseen=np.setdiff1d(dataset.test_unseen, rows[5:]))
    world = world_of(Scene.through(fewer, turned_map), odd_flows())
    assert len(world.dataset.of_class(poor, world.dataset.test_unseen)) < 4  # half is held back
    assert list(world.chosen) == [k for k in dataset.unseen_classes if k != poor]


def test_menus_are_for_attributes_in_groups_alone():
    groups = opened(syllables())[0]["attributes"]["groups"]
    assert list(groups) == ["initial", "vowel", "final"]
    assert groups["vowel"] == list(range(19, 40))
    assert opened(letters())[0]["attributes"]["groups"] is None
    in_part = replace(odd_dataset(), attribute_groups=None)
    assert world_of(Scene.through(in_part, turned_map), odd_flows()).header()["attributes"] == {
        "names": [f"attribute {k}" for k in range(5)],
        "groups": None,
        "bySentence": False,
    }


def test_nobody_learns_in_which_folder_the_data_lay():
    dataset = replace(odd_dataset(), source="/home/somebody/secret/data.npz")
    world = world_of(Scene.through(dataset, turned_map), odd_flows())
    assert "secret" not in str(world.header())


# --- Flows ---------------------------------------------------------------------------------------


def rebuilt(world: PageWorld, number: int):
    """The flow that the arrays of a page hold: a model of PyTorch again."""
    header, arrays = opened(world)
    flow = world.flows[number]
    state = {"unit": torch.tensor(header["flows"][number]["unit"])}
    for name, array in arrays.items():
        if name.startswith(f"{flow.key}/"):
            path = name.removeprefix(f"{flow.key}/")
            network, _, rest = path.partition(".")
            if network.startswith("net"):
                path = f"flow.blocks.{network.removeprefix('net')}.net{rest}"
            state[path] = torch.from_numpy(array.astype(np.float32))
    if flow.model.config.start != "none":
        state["start.log_det"] = torch.tensor(header["flows"][number]["startLogDet"])
    width, attributes = world.dataset.features.shape[1], world.dataset.attributes.shape[1]
    return rebuild(width, attributes, flow.model.config, state).eval()


@pytest.mark.parametrize("number", range(len(MODELS)))
def test_a_flow_made_of_its_arrays_gives_the_same_samples_and_densities(number):
    check_same_flow(odd_world(), number)


@pytest.mark.parametrize(("world", "number"), [(letters, 0), (letters, 4), (syllables, 0)])
def test_a_shipped_flow_made_of_its_arrays_is_the_same(world, number):
    check_same_flow(world(), number)


def check_same_flow(world: PageWorld, number: int) -> None:
    """Within what half precision costs."""
    model = world.flows[number].model
    again = rebuilt(world, number)
    attributes = world.dataset.attributes[world.chosen[:3]]
    features = model.synthesize(attributes, 20, seed=5)
    scale = float(features.std())
    torch.testing.assert_close(
        again.synthesize(attributes, 20, seed=5), features, rtol=0.01, atol=0.01 * scale
    )
    x = features.flatten(0, 1)
    torch.testing.assert_close(
        again.log_prob(x, attributes), model.log_prob(x, attributes), rtol=0.01, atol=0.05
    )


def test_the_ridge_gaussian_is_made_of_its_start():
    arrays = opened(odd_world())[1]
    start = RidgeGaussian.fit(odd_dataset()).start
    np.testing.assert_array_equal(arrays["ridge/start.weights"], start.weights)
    np.testing.assert_array_equal(arrays["ridge/start.root"], start.root)
    np.testing.assert_allclose(
        arrays["ridge/start.unroot"] @ arrays["ridge/start.root"], np.eye(FEATURES), atol=1e-5
    )


def test_seeds_are_those_of_the_latent_noise():
    _, arrays = unpack(packed(odd_world()))
    assert arrays["seeds"].dtype == np.uint32
    assert list(arrays["seeds"]) == [derived_seed(seed, "latent noise") for seed in range(100)]


# --- The maps ------------------------------------------------------------------------------------


@pytest.mark.parametrize("world", WORLDS)
def test_real_rows_lie_where_the_explorer_has_them(world):
    header, arrays = opened(world())
    scene = world().scene
    assert len(arrays["real.features"]) == scene.real.count <= 2000
    np.testing.assert_array_equal(arrays["real.labels"], scene.dataset.labels[scene.rows])
    np.testing.assert_allclose(arrays["real.umap"], scene.real.umap)
    np.testing.assert_allclose(
        arrays["real.features"], scene.dataset.features[scene.rows], rtol=1e-3, atol=1e-3
    )
    space = arrays["real.features"].astype(np.float64) * arrays["widths"]
    placed = (space - arrays["pca.mean"]) @ arrays["pca.axes"].T
    np.testing.assert_allclose(placed, arrays["real.pca"], atol=0.01 * np.abs(placed).max())
    assert header["map"]["describe"] == scene.projection.describe
    assert 0 < sum(header["map"]["explained"]) < 1


def test_the_usual_distance_is_where_95_of_100_real_rows_have_another_one():
    header, arrays = opened(odd_world())
    space = arrays["real.features"].astype(np.float64) * arrays["widths"]
    distances = np.linalg.norm(space[:, None] - space, axis=2)
    np.fill_diagonal(distances, np.inf)
    usual = np.quantile(distances.min(1), 0.95)
    assert header["map"]["usualDistance"] == pytest.approx(usual, rel=1e-2)
    assert header["map"]["jitter"] == pytest.approx(1e-6 * space.std(0).mean(), rel=1e-2)


def test_fewer_rows_leave_the_maps_as_they_are():
    scene = Scene.through(odd_dataset(), turned_map)
    world = world_of(scene, odd_flows(), most_rows=40)
    thin = world.scene
    made = "PCA and UMAP fitted on 228 real rows; 15 neighbours, seed 0; 40 of these rows are shown"
    assert world.header()["map"]["describe"] == made
    assert thin.real.count == 40
    places = {tuple(place): row for place, row in zip(scene.real.umap, scene.rows, strict=True)}
    assert [places[tuple(place)] for place in thin.real.umap] == list(thin.rows)
    np.testing.assert_array_equal(thin.projection.axes, scene.projection.axes)
    features = odd_dataset().features[thin.rows]
    assert list(thin.projection.nearest(features[7:9])[1]) == [7, 8]
    placed = thin.projection.place(features[7:9])
    np.testing.assert_allclose(placed, thin.real.umap[7:9], atol=1e-4)
    shares = np.bincount(thin.real.labels) / np.bincount(scene.real.labels)
    assert shares.min() > 0.5 * shares.max()  # of each class


# --- Pictures ------------------------------------------------------------------------------------


@pytest.mark.parametrize("world", [letters, syllables])
def test_pictures_are_decoded_by_one_product(world):
    header, arrays = opened(world())
    assert header["pictures"] == {"kind": "decoded", "height": 28, "width": 28}
    features = world().flows[0].model.synthesize(world().dataset.attributes[:2], 5).flatten(0, 1)
    ink = arrays["picture.offset"] + features.numpy() @ arrays["picture.basis"].T.astype(np.float32)
    truth = world().dataset.decode(features.numpy())
    np.testing.assert_allclose(ink.reshape(truth.shape).clip(0, 1), truth.clip(0, 1), atol=0.01)


def test_without_pictures_there_are_none():
    header, arrays = opened(odd_world())
    assert header["pictures"] is None
    assert not any(name.startswith(("picture", "image")) for name in arrays)


def scene_with(rng, **fields) -> Scene:
    return Scene.through(replace(odd_dataset(), **fields), turned_map)


def test_data_with_images_and_no_decoder_show_them_on_a_sheet(rng):
    rows = len(odd_dataset().labels)
    images = np.zeros((rows, 10, 12), np.float32)
    images[:] = rng.random(rows)[:, None, None].round(1)
    scene = scene_with(rng, images=images)
    pictures = PagePictures.of(scene)
    sheet = pictures.header["sheet"]
    assert (pictures.header["kind"], sheet["type"]) == ("nearest", "png")
    assert pictures.header["count"] == scene.real.count
    drawn = np.asarray(Image.open(io.BytesIO(pictures.arrays["image"].tobytes())))
    for point, row in enumerate(scene.rows):
        line, column = divmod(point, sheet["columns"])
        shown = drawn[line * 10 : line * 10 + 10, column * 12 : column * 12 + 12]
        np.testing.assert_allclose(1 - shown / 255, images[row], atol=0.04)


def test_a_decoder_that_is_no_product_shows_the_nearest_rows(rng):
    def bent(features):
        return np.abs(features[:, :6]).reshape(-1, 2, 3)

    assert PagePictures.of(scene_with(rng, decode=bent)).header["kind"] == "nearest"


def test_a_large_decoded_picture_becomes_small(rng):
    def striped(features):
        return np.repeat(np.repeat(features[:, :2], 60, 1)[:, None], 120, 1) * 0.1

    pictures = PagePictures.of(scene_with(rng, decode=striped))
    assert pictures.header == {"kind": "decoded", "height": 40, "width": 40}
    ink = pictures.arrays["picture.basis"].reshape(40, 40, FEATURES)
    np.testing.assert_allclose(ink[5, [0, 39]], np.eye(FEATURES)[:2] * 0.1, atol=1e-4)


# --- Meters and doses ----------------------------------------------------------------------------


def test_what_is_measured_is_what_the_library_would_measure():
    world = odd_world()
    arrays = opened(world)[1]
    ends = np.cumsum(arrays["measured.counts"])
    real = np.split(arrays["measured.features"].astype(np.float64), ends[:-1])
    for number, rows in zip(world.chosen, real, strict=True):
        there = world.measured.of_class(number, world.measured.test_unseen)
        np.testing.assert_allclose(rows, world.measured.features[there], atol=1e-3)
        assert len(rows) <= 64

    model = world.flows[0].model
    synthesized = model.synthesize(world.dataset.attributes[world.chosen], 64).numpy()
    ratios = []
    sizes = np.cumsum(arrays["halves.sizes"])
    for repeat in range(40):
        first = np.split(arrays["halves.first"][repeat], sizes[:-1])
        drawn = np.split(arrays["halves.synthesized"][repeat], sizes[:-1])
        total = [
            np.var([x[r] for x, r in zip(group, rows, strict=True)], axis=1, ddof=1).sum()
            for group, rows in ((synthesized, drawn), (real, first))
        ]
        ratios.append(total[0] / total[1])
    report = measure(world.measured, model, n=64, classes=world.chosen, metrics=["spread"])
    assert np.mean(ratios) == pytest.approx(report.reading("variance").value, rel=1e-3)


def test_at_most_64_real_rows_of_a_class_are_measured():
    arrays = opened(letters())[1]
    assert set(arrays["measured.counts"]) == {64}
    assert len(arrays["measured.features"]) == 64 * len(letters().chosen)
    several = np.bincount(letters().measured.labels[letters().measured.test_unseen])
    assert set(several[letters().chosen]) == {64}


def test_the_two_halves_of_each_class_share_no_row():
    arrays = opened(syllables())[1]
    assert set(arrays["halves.sizes"]) <= set(range(2, 33))
    ends = np.cumsum(arrays["halves.sizes"])[:-1]
    for one, other in (("first", "second"), ("synthesized", "again")):
        for rows, others in zip(
            np.split(arrays[f"halves.{one}"], ends, axis=1),
            np.split(arrays[f"halves.{other}"], ends, axis=1),
            strict=True,
        ):
            both = np.sort(np.concatenate([rows, others], axis=1), axis=1)
            assert (np.diff(both.astype(int), axis=1) > 0).all()


def test_orders_are_those_of_mantels_test(rng):
    orders = opened(odd_world())[1]["halves.orders"]
    matrices = rng.random((2, 4, 4))
    a, b = matrices + matrices.transpose(0, 2, 1)
    above = np.triu_indices(4, 1)
    chance = [spearmanr(a[np.ix_(order, order)][above], b[above]).statistic for order in orders]
    np.testing.assert_allclose(chance, metrics.mantel(a, b)[2], atol=1e-12)


def test_the_readout_is_that_of_the_whole_data():
    arrays = opened(odd_world())[1]
    readout = AttributeReadout.fit(odd_dataset())
    x = odd_dataset().features[:5]
    read = (x - arrays["readout.centre"]) @ arrays["readout.weights"]
    np.testing.assert_allclose(read, readout.read(x), atol=1e-4)
    for name in ("typical", "spread", "readability"):
        np.testing.assert_allclose(arrays[f"readout.{name}"], getattr(readout, name), atol=1e-6)


def test_doses_move_class_means_as_the_injector_does():
    world = odd_world()
    arrays = opened(world)[1]
    attributes = torch.from_numpy(world.dataset.attributes[world.chosen])
    source = world.flows[0].model
    doses = {"semantic": 0.4, "structure": 0.7}
    truth = Injected(world.dataset, source, **doses).synthesize(attributes, 30).mean(1).numpy()

    means = source.synthesize(attributes, 30).mean(1).numpy().astype(np.float64)
    v = means - arrays["injector.centre"]
    a, b = v @ arrays["injector.left"], v @ arrays["injector.right"]
    cos, sin = np.cos(0.2 * np.pi), np.sin(0.2 * np.pi)
    turned = (a * cos - b * sin - a) @ arrays["injector.left"].T
    turned += (b * cos + a * sin - b) @ arrays["injector.right"].T
    np.testing.assert_allclose(
        means + turned + 0.7 * arrays["injector.steps"], truth, atol=1e-3 * np.abs(truth).max()
    )


def test_where_no_dose_can_be_given_its_directions_are_left_out():
    two = replace(odd_dataset(), features=odd_dataset().features[:, :2])
    world = world_of(Scene.through(two, turned_map), [])
    arrays = world.parts["meters and doses"]
    assert f"{world.name}/injector.left" in arrays
    assert f"{world.name}/injector.steps" not in arrays  # the readout sees both directions


# --- Models of one's own -------------------------------------------------------------------------


def test_models_of_ones_own_keep_their_names_and_their_settings():
    one, other, _, _ = (flow.model for flow in odd_flows())
    _, flows = flows_of_models(odd_dataset(), {"<b>mine</b>": one, "other": other})
    assert [flow.title for flow in flows] == ["<b>mine</b>", "other", "ridge-Gaussian"]
    assert [flow.key for flow in flows] == ["flow0", "flow1", "ridge"]
    assert flows[0].switches["start"]
    assert not flows[1].switches["start"]


def test_a_saved_model_brings_the_preprocessing_of_its_data():
    fitted = Preprocessing.fit("standardise", odd_dataset().features[odd_dataset().train])
    saved = SavedModel(model=odd_flows()[1].model, preprocessing=fitted)
    dataset, _ = flows_of_models(odd_dataset(), saved)
    np.testing.assert_allclose(dataset.features[dataset.train].std(0), 1, rtol=1e-4)
    flows_of_models(odd_dataset(), {"a": saved, "b": replace(saved, notes={"seed": 1})})
    other = Preprocessing.fit("min-max", odd_dataset().features)
    with pytest.raises(ConfigError, match="one preprocessing"):
        flows_of_models(odd_dataset(), {"a": saved, "b": replace(saved, preprocessing=other)})
    turned = replace(fitted, kind="pca", basis=np.eye(FEATURES, dtype=np.float32)[::-1])
    with pytest.raises(ConfigError, match="one preprocessing"):
        flows_of_models(odd_dataset(), {"a": saved, "b": replace(saved, preprocessing=turned)})


def test_a_saved_model_brings_the_settings_of_its_training():
    flow = odd_flows()[0]
    training = TrainingConfig(perturbation=0, mining=None)
    config = Config(model=flow.model.config, training=training)
    plain = SavedModel(model=flow.model)
    noted = replace(plain, notes={"config": config.to_dict()})
    _, (one, other, _) = flows_of_models(odd_dataset(), {"plain": plain, "noted": noted})
    assert one.switches["perturbation"]
    assert not other.switches["perturbation"]


def test_models_of_other_data_are_refused():
    narrow = replace(odd_dataset(), features=odd_dataset().features[:, :4])
    with pytest.raises(ConfigError, match="7 features and 5 attributes, and data with 4 and 5"):
        flows_of_models(narrow, odd_flows()[0].model)


@pytest.mark.parametrize("models", [None, {}, "model.safetensors", {"ridge": odd_flows}])
def test_what_is_no_model_is_refused(models):
    with pytest.raises(ConfigError, match="a page needs flows"):
        flows_of_models(odd_dataset(), models)


def test_data_without_a_covariance_have_no_ridge_gaussian():
    dataset = odd_dataset()
    ones = [dataset.of_class(k, dataset.train)[0] for k in dataset.seen_classes]
    poor = replace(dataset, train=np.sort(ones))
    _, flows = flows_of_models(poor, odd_flows()[1].model)
    assert [flow.key for flow in flows] == ["flow0"]
