"""The page of a report shows what was measured, takes names as text, and fetches nothing."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from gsmflow_lite import explained_share, figures, from_arrays, lite
from gsmflow_lite.datasets import gaussian_world
from gsmflow_lite.explorer.scene import IN_FOCUS
from gsmflow_lite.figures import short
from gsmflow_lite.figures.projection import Projection
from gsmflow_lite.generators.ridge_gaussian import RidgeGaussian
from gsmflow_lite.runs import report
from gsmflow_lite.runs import report_parts as parts
from gsmflow_lite.runs.diagnosis import diagnose
from gsmflow_lite.shifts.coverage import coverage
from gsmflow_lite.shifts.measuring import measure

HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "<!-- $x$ %{x} {{ 7*7 }}",
    "long " * 2000,
)
PARTS = {
    "descriptions",
    "scores",
    "meters",
    "lenses",
    "pictures",
    "classes",
    "attributes",
    "changed",
    "notes",
    "made",
}


class Page(HTMLParser):
    """Tags with their attributes, the text of each section, and all scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags = []
        self.scripts = []
        self.styles = []
        self.rows = {}
        self.texts: dict[str, str] = {}
        self._section = ""
        self._open = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "section":
            self._section = dict(attrs)["id"]
        if tag in ("script", "style"):
            (self.scripts if tag == "script" else self.styles).append("")
        if tag == "tr":
            self.rows.setdefault(self._section, []).append([])
        if tag == "td":
            self.rows[self._section][-1].append("")
        self._open.append(tag)

    def handle_endtag(self, tag):
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data):
        where = self._open[-1] if self._open else ""
        if where in ("script", "style"):
            (self.scripts if where == "script" else self.styles)[-1] += data
            return
        self.texts[self._section] = self.texts.get(self._section, "") + data
        if "td" in self._open:
            self.rows[self._section][-1][-1] += data

    def cells(self, section: str) -> list[list[str]]:
        """The body rows of the tables of a section."""
        return [[" ".join(cell.split()) for cell in row] for row in self.rows[section] if row]

    @property
    def data(self) -> dict:
        """What the script reads."""
        return json.loads(self.scripts[0])


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GSMFLOW_CACHE", str(tmp_path_factory.mktemp("maps")))
        yield


def world(*, seen: int = 9, unseen: int = 6, pictures: bool = True):
    """A small data set whose unseen classes and attributes have hostile names."""
    size = {"seen": seen, "unseen": unseen, "attributes": 5, "samples": 24}
    d = gaussian_world(6, **size, noise=1.0, seed=4).dataset  # of this one some scores are not 0
    names = [f"k{i}" for i in range(seen + unseen)]
    for k, name in zip(d.unseen_classes, HOSTILE, strict=False):
        names[k] = name
    traits = [*HOSTILE, "plain"]
    d = from_arrays(
        d.features,
        d.labels,
        d.attributes,
        unseen=d.unseen_classes,
        class_names=names,
        attribute_names=traits,
        name=HOSTILE[0],
    )
    return replace(d, decode=lambda features: features.reshape(-1, 2, 3)) if pictures else d


class Confused:
    """A ridge-Gaussian that takes each class for the next one, so that every meter has to move."""

    def __init__(self, dataset) -> None:
        self.ridge = RidgeGaussian.fit(dataset)

    def synthesize(self, attributes, n, *, temperature=1.0, seed=0):
        return self.ridge.synthesize(
            np.roll(attributes, 1, axis=0), n, temperature=temperature, seed=seed
        )


@pytest.fixture(scope="module")
def dataset():
    return world()


@pytest.fixture(scope="module")
def found(dataset):
    config = replace(lite(), classifier=replace(lite().classifier, samples=30))
    found = diagnose(
        dataset, Confused(dataset), config, name=HOSTILE[1], n=60, repeat=f"echo {HOSTILE[1]}"
    )
    found.result["notes"].append(HOSTILE[0])
    return found


@pytest.fixture(scope="module")
def own(found):
    return next(iter(found.shifts.values()))


@pytest.fixture(scope="module")
def text(found):
    return report.render(found.dataset, found.generator, found.result, found.shifts)


@pytest.fixture(scope="module")
def page(text):
    return Page(text)


def test_every_part_is_there(page):
    assert {attributes["id"] for tag, attributes in page.tags if tag == "section"} == PARTS
    assert "left out" not in page.texts["notes"]


# --- Names are text -------------------------------------------------------------------------------


def test_names_become_no_tags(page):
    assert sum(tag == "script" for tag, _ in page.tags) == 3  # the data, plotly, our own
    assert all(
        attributes["src"].startswith("data:image/png;base64,")
        for tag, attributes in page.tags
        if tag == "img"
    )
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]


def test_names_stand_on_the_page_as_they_are(page):
    classes = {row[0] for row in page.cells("classes")}
    for name in HOSTILE[:3]:
        assert figures.short(name, 60) in classes
    assert HOSTILE[0] in page.texts[""]  # the data set, in the title
    assert HOSTILE[1] in page.texts["made"]  # the command
    assert HOSTILE[0] in page.texts["notes"]


def test_a_template_in_a_name_is_not_filled_in(page):
    assert any("{{ 7*7 }}" in row[0] for row in page.cells("classes"))


def test_a_very_long_name_is_cut(page):
    assert max(len(row[0]) for row in page.cells("classes")) == 60
    assert max(map(len, page.data["names"])) == figures.LONGEST_NAME


def test_names_in_the_interactive_figure_are_escaped_for_plotly(page):
    drawn = json.dumps(page.data["figure"])
    assert "&lt;img src=x" in drawn
    assert not {name for name in HOSTILE[:3] if figures.short(name) in drawn}


def test_the_data_for_the_script_hold_no_markup(page):
    assert not re.search("[<>&']", page.scripts[0])


# --- Nothing is fetched ---------------------------------------------------------------------------


def test_nothing_is_loaded_from_anywhere(page):
    loaded = [
        a[key]
        for _, a in page.tags
        for key in ("src", "href", "srcset", "data", "action", "poster")
        if key in a
    ]
    assert loaded
    assert all(url.startswith("data:") for url in loaded)
    assert not {tag for tag, _ in page.tags} & {"link", "iframe", "object", "embed", "base"}
    style = "".join(page.styles)
    assert "@import" not in style
    assert set(re.findall(r"url\(([a-z:]*)", style)) == {"data:image"}


def test_the_policy_allows_the_scripts_of_the_page_and_no_others(page):
    (policy,) = [
        a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"
    ]
    hashes = [
        base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        for script in page.scripts[1:]
    ]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"].split() == [f"'sha256-{one}'" for one in hashes]


# --- What stands there is what was measured -------------------------------------------------------


def test_scores_are_those_of_the_result(page, found):
    rows = {row[0]: row[1:] for row in page.cells("scores")}
    shown = {
        HOSTILE[1]: found.result["scores"],
        "ridge-Gaussian": found.result["baselines"]["ridge_gaussian"],
    }
    for name, scores in shown.items():
        numbers = ("seen", "unseen", "harmonic", "zsl", "ausuc")
        assert rows[figures.short(name)][:-1] == [f"{scores[key]:.1f}" for key in numbers]
        assert rows[figures.short(name)][-1] == "softmax"  # the one classifier of a diagnosis


def test_numbers_behind_the_meters_are_those_of_the_reports(page, found):
    expected = [
        [
            f"{r.meter}: {r.metric}",
            figures.number(r.value),
            figures.number(r.floor),
            figures.number(r.ceiling),
        ]
        for shifts in found.shifts.values()
        for r in shifts.readings
        if r.label is None and np.isfinite(r.value)
    ]
    shown = [[row[0], row[1], row[3], row[4]] for row in page.cells("meters") if row[1] != "-"]
    assert shown == expected


def test_words_stand_with_a_symbol(page, own):
    words = [own.reading(meter).word for meter in ("semantic", "variance", "structure", "overall")]
    shown = re.findall(
        r"(semantic|variance|structure|overall) (\S) (fine|watch|shifted|cannot tell)",
        " ".join(page.texts[""].split()),
    )
    assert [word for _, _, word in shown] == words
    assert len({symbol for _, symbol, word in shown}) == len(set(words))


def test_the_class_table_is_sorted_by_the_lowest_of_three_scores(page, own):
    rows = page.cells("classes")
    lowest = [min(float(cell.split()[0]) for cell in row[2:5]) for row in rows]
    assert lowest == sorted(lowest)
    assert len(set(lowest)) > 1
    assert rows[0][0] == figures.short(own.worst()[0][0], 60)


def test_each_class_has_its_own_scores_and_spread(page, own):
    rows = {row[0]: row[2:] for row in page.cells("classes")}
    for name in own.names:
        expected = [
            figures.number(own.reading(meter, name).score)
            for meter in ("semantic", "variance", "structure")
        ]
        *scores, spread = rows[figures.short(name, 60)]
        assert [cell.split()[0] for cell in scores] == expected
        assert spread == figures.number(own.reading("spread", name).value)


def test_the_classes_that_changed_places_are_named(page, own):
    here, near, far, _ = own.changed[0]
    shown = " ".join(page.texts["changed"].split())
    assert f"Seen from {short(here)}, {short(near)} is nearer than {short(far)} in reality" in shown


def test_the_command_that_repeats_it_and_the_versions_stand_there(page, found):
    assert found.result["repeat"] in page.texts["made"]
    assert f"torch {found.result['versions']['torch']}" in page.texts["made"]


# --- Lenses ---------------------------------------------------------------------------------------


def test_points_of_the_figure_carry_the_number_of_their_place(page):
    data = page.data
    for trace in data["figure"]["data"]:
        if trace.get("customdata"):
            rows, x = (
                np.frombuffer(base64.b64decode(trace[key]["bdata"]), trace[key]["dtype"])
                for key in ("customdata", "x")
            )
            places = data["pca"] if trace["xaxis"] == "x" else data["umap"]
            np.testing.assert_allclose([places[i][0] for i in rows], x, atol=1e-3)


def test_many_classes_leave_the_figure_readable_and_without_webgl(found):
    many = world(seen=10, unseen=30, pictures=False)
    ridge = RidgeGaussian.fit(many)
    page = Page(
        report.render(many, ridge, found.result, {"ridge": measure(many, ridge, n=20, repeats=2)})
    )
    assert {trace["type"] for trace in page.data["figure"]["data"]} == {"scatter"}
    coloured = {
        trace["legendgroup"]
        for trace in page.data["figure"]["data"]
        if "class" in trace.get("legendgroup", "")
    }
    assert len(coloured) == IN_FOCUS
    assert "12 of 30 measured classes" in page.texts["lenses"]
    assert len(page.cells("classes")) == 30


def test_a_still_picture_stands_in_for_print_and_where_no_script_runs(text, page):
    style = page.styles[0]
    paper = style[style.index("@media print") :]
    assert re.search(r"\.live \{ display: none", paper)
    assert re.search(r"\.still \{ display: block", paper)
    assert "<noscript><style>.live { display: none } .still { display: block }" in text
    assert re.search(r'class="still"><img src="data:image/png', text)


def test_the_page_of_a_density_says_what_its_regions_hold(found):
    ridge = RidgeGaussian.fit(found.dataset)
    text = report.render(found.dataset, ridge, found.result, found.shifts)
    page = Page(text)
    said = " ".join(page.texts["regions"].split())
    assert coverage(found.dataset, ridge).sentence in said
    assert "200 synthesized rows a class" in said


def test_the_page_says_what_the_ridge_gaussian_reaches_and_what_would_do(found):
    name, own = next(iter(found.shifts.items()))
    readings = [
        replace(r, beside=0.375, word="cannot tell", advice="ask for <b>more</b>")
        for r in own.readings
    ]
    shifts = {name: replace(own, readings=tuple(readings))}
    page = Page(report.render(found.dataset, found.generator, found.result, shifts))
    said = " ".join(page.texts["meters"].split())
    assert said.count("The ridge-Gaussian of the same data gets to 0.38.") == 4
    assert said.count("With these data it cannot be told: ask for <b>more</b>.") == 4


# --- Descriptions ---------------------------------------------------------------------------------


def test_what_the_descriptions_explain_is_said_and_drawn(found):
    """The features as they came are looked at, not those of the training."""
    d = world(seen=30, unseen=5)
    page = Page(report.render(d.preprocessed("pca", 2), found.generator, found.result, {}))
    said = " ".join(page.texts["descriptions"].split())
    explained = explained_share(d)
    assert explained.beyond_chance
    for line in explained.lines:
        assert " ".join(line.split()) in said
    pictures = [a for tag, a in page.tags if tag == "img"]
    assert pictures[0]["alt"] == " ".join(explained.lines)
    assert "Look again" not in said


def test_descriptions_in_another_order_are_said(found):
    d = world(seen=30, unseen=5)
    moved = replace(d, attributes=np.roll(d.attributes, 1, axis=0))
    page = Page(report.render(moved, found.generator, found.result, {}))
    said = " ".join(page.texts["descriptions"].split())
    assert "Look again: descriptions explain nothing" in said
    assert "With each class described by the row after its own, they explain" in said


def test_of_few_classes_a_page_says_that_it_cannot_be_told(found):
    page = Page(report.render(found.dataset, found.generator, found.result, {}))
    assert "cannot be told: there are 9 seen classes" in page.texts["descriptions"]
    assert found.result["descriptions"]["sentences"] == explained_share(found.dataset).lines


# --- What cannot be made --------------------------------------------------------------------------


def test_a_part_that_fails_is_left_out_and_the_page_says_why(found, monkeypatch):
    def broken(*args, **options):
        raise RuntimeError("the map <b>burnt</b>")

    monkeypatch.setattr(Projection, "fit", broken)
    page = Page(report.render(found.dataset, found.generator, found.result, found.shifts))
    assert PARTS - {a["id"] for tag, a in page.tags if tag == "section"} == {"lenses"}
    assert "lenses is left out: the map <b>burnt</b>" in page.texts["notes"]
    assert not page.scripts


def test_data_without_pictures_get_a_page_without_them(found):
    bare = replace(found.dataset, decode=None)
    page = Page(report.render(bare, found.generator, found.result, found.shifts))
    assert PARTS - {a["id"] for tag, a in page.tags if tag == "section"} == {"pictures"}
    assert "left out" not in page.texts["notes"]
    assert page.data["sprite"] is None


def test_data_with_images_alone_show_nearest_real_images_and_name_their_classes(found):
    images = np.zeros((len(found.dataset.labels), 6, 6, 3), np.uint8)
    bare = replace(found.dataset, decode=None, images=images)
    page = Page(report.render(bare, found.generator, found.result, found.shifts))
    assert {a["id"] for tag, a in page.tags if tag == "section"} == PARTS
    said = page.texts["pictures"]
    assert "nearest real images: features do not decode" in " ".join(said.split())
    assert "nearest real image" in page.texts["lenses"]
    assert page.data["sprite"]["count"] == page.data["first"]
    some = parts.pictures(bare, found.generator, next(iter(found.shifts.values())))
    for one in some["pairs"]:
        counts = [int(part.rsplit(" ", 1)[1]) for part in one["words"].split(", ")]
        assert sum(counts) == 8


def test_letters_show_what_their_features_keep_beside_the_real_image(found):
    images = np.zeros((len(found.dataset.labels), 4, 4), np.uint8)
    both = replace(found.dataset, images=images)
    made = parts.pictures(both, found.generator, next(iter(found.shifts.values())))
    assert made["kept"]
    assert not made["nearest"]
    plain = parts.pictures(found.dataset, found.generator, next(iter(found.shifts.values())))
    assert not plain["kept"]


def test_a_run_without_any_measurement_still_has_a_page(found):
    result = {**found.result, "notes": ["the shifts were not measured: too few rows"]}
    page = Page(report.render(found.dataset, found.generator, result, {}))
    sections = {a["id"] for tag, a in page.tags if tag == "section"}
    assert sections == {"descriptions", "scores", "notes", "made"}
    assert "too few rows" in page.texts["notes"]


def test_a_report_without_scores_is_written_whole(found, tmp_path):
    path = tmp_path / "new" / "report.html"
    result = {**found.result, "scores": None, "baselines": {}}
    report.write_report(
        path, dataset=found.dataset, generator=found.generator, result=result, shifts=found.shifts
    )
    assert path.read_text(encoding="utf-8").endswith("</html>\n")
    assert [p.name for p in path.parent.iterdir()] == ["report.html"]
