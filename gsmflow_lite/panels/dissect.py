"""The flow anatomy: a flow in two dimensions, taken apart one half layer at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import traitlets

from ..datasets import GZSLDataset, crescent_world
from ..errors import DataError
from ..events import Epoch, Event, Step
from ..explorer.anatomy import small_flow
from ..explorer.anatomy_figures import anatomy_still
from ..method.model import GSMFlow
from ..method.training import check_model
from .controls import WIDE, button, choice, heading, rows, slider, switch
from .dissect_figure import DissectFigure, colour_key
from .dissect_text import account, class_attributes, dissect_code
from .dissection import DISSECT_SEED, ROWS_SHOWN, FlowScene, World, dissection
from .panel import Panel
from .stage import text_in
from .worker import Task

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PACE = 900  # milliseconds for a step; below `ONE_MOVE`, so undo takes all that was played back
FLOW_JOB = "training the little flow"
SCENE_SETTINGS = ("number", "towards", "points", "temperature")  # what a scene is made for
TRAINED_FLOWS: dict[int, GSMFlow] = {}  # of the panel's own world, by seed: trained only once


def dissect(
    world: World | None = None,
    model: GSMFlow | None = None,
    *,
    state: str = "",
    hide: Sequence[str] = (),
    name: str = "dissect",
) -> DissectPanel:
    """Step through a flow in two dimensions, half a coupling layer at a time, in both directions.

    Without arguments it is the flow of :func:`gsmflow_lite.explorer.anatomy.world_flow`. It is
    shown untrained at once, and trained in a few seconds in the background; ``dissect().wait()``
    waits for that.

    - ``world`` is a ``CrescentWorld``, or anything else of two features with its ``dataset``,
      ``sample`` and ``log_prob``.
    - ``model`` is a flow of that world. Without one, a flow is trained.
    - ``state`` is a text of :meth:`Panel.state`.
    - ``hide`` names controls that are not shown.
    - A second panel of the same ``name`` closes the first.

    Raises ``DataError`` for a model without a world or of another one, for a world without its
    truth, and for more than two features.
    """
    return DissectPanel(world, model, state=state, hide=hide, name=name)


class DissectPanel(Panel):
    """The panel of :func:`dissect`: the grid bends from step to step, the density stays exact.

    Raises ``DataError`` for a model that comes without its world.
    """

    kind = "dissect"
    help = "Press play, or step with the arrow keys: each step is half a coupling layer."

    def __init__(
        self,
        world: World | None = None,
        model: GSMFlow | None = None,
        *,
        state: str = "",
        hide: Sequence[str] = (),
        name: str = "dissect",
    ) -> None:
        _check_given(world, model)
        self.has_own_world = world is not None
        self.has_own_model = model is not None
        self.world: World = crescent_world(seed=DISSECT_SEED) if world is None else world
        self._begin_with_model(model)
        self._scene: tuple[tuple, FlowScene] | None = None

        number = int(self.world.dataset.seen_classes[0])
        # Made before any widget: it raises for a world or a model that has not two features.
        scene = dissection(self.world, self.model, number, "noise")
        last = len(scene.points) - 1
        controls = _controls(self.world.dataset, number, last)
        super().__init__(controls, name=name, hide=hide, start=state)
        self._make_views(scene, last)
        self._arrange(hide)
        self.redraw()
        if not self.trained:
            self._train()

    def _begin_with_model(self, model: GSMFlow | None) -> None:
        """Take the model that is there already, or an untrained one."""
        if not self.has_own_world:
            model = TRAINED_FLOWS.get(DISSECT_SEED)
        self.trained = model is not None
        if model is None:
            model = small_flow(self.world.dataset, DISSECT_SEED, epochs=0)
        self.model = model

    def _make_views(self, scene: FlowScene, last: int) -> None:
        self.picture = DissectFigure(scene)
        self.figure = self.picture.figure
        self.figure.add_class("map")
        self.readout = text_in("words")
        self.key = text_in("meters")  # of the colours, under the picture
        self.described = widgets.HTML(layout=widgets.Layout(width=WIDE))
        self.again = button("Train", "cogs", "Train the flow on this world", self._train)
        self.play = widgets.Play(max=last, interval=PACE)
        self._link = traitlets.link((self.controls["step"], "value"), (self.play, "value"))

    def _arrange(self, hide: Sequence[str]) -> None:
        controls = self.controls
        self.play.layout.display = "none" if "step" in hide else "flex"
        self.play.layout.margin = "0 0 0 104px"
        left = [
            heading("Moves"),
            controls["step"],
            self.play,
            heading("The flow and its points", "Flow"),
            controls["number"],
            self.described,
            *(controls[name] for name in ("towards", "points", "temperature")),
            self.again,
            heading("Shown"),
            *rows([controls["grid"], controls["density"]], [controls["truth"]]),
        ]
        self.arrange(left, [self.figure, self.readout, self.key])

    # --- Training ----------------------------------------------------------------------------

    def _train(self) -> None:
        """Train the flow of the world in the background."""
        self.tools.forgive()

        def job(task: Task) -> GSMFlow:
            return small_flow(
                self.world.dataset, DISSECT_SEED, watch=lambda event: task(_as_step(event))
            )

        self.submit(FLOW_JOB, job, self._use_trained)

    def _use_trained(self, model: GSMFlow) -> None:
        before = self.model
        self.model = model
        self.trained = True
        if not self.draw_again():
            self.model = before
            self.trained = False
        elif not self.has_own_world:
            TRAINED_FLOWS[DISSECT_SEED] = model

    def show_progress(self, name: str | None, event: Event | None) -> None:
        """Show the stage of the training, during which it cannot be started again."""
        super().show_progress(name, event)
        self.again.disabled = name is not None

    # --- The view ----------------------------------------------------------------------------

    @property
    def scene(self) -> FlowScene:
        """What is shown, at all steps."""
        values = [self.shown[name] for name in SCENE_SETTINGS]
        key = (self.model, *values)
        if self._scene is None or self._scene[0] != key:
            number, towards, points, temperature = values
            scene = dissection(
                self.world, self.model, number, towards, n=points, temperature=temperature
            )
            self._scene = (key, scene)
        return self._scene[1]

    def refresh(self) -> None:
        """Show the scene at its step, with its account in words."""
        scene = self.scene
        settings = self.shown
        self.controls["temperature"].disabled = settings["towards"] == "noise"  # it scales noise
        self.again.layout.display = "none" if self.trained else "flex"
        self.picture.fill(scene, settings)
        self.key.value = colour_key(settings, settings["towards"])
        self.described.value = class_attributes(self.world.dataset, settings["number"])
        self.readout.value = account(scene, settings["step"], trained=self.trained)

    def code(self) -> str:
        """Return the library calls that make this view."""
        return dissect_code(
            self.shown,
            own_world=self.has_own_world,
            own_model=self.has_own_model,
            trained=self.trained,
        )

    def still(self) -> Figure:
        """Return all steps side by side."""
        scene = self.scene
        dataset = self.world.dataset
        title = f"From {scene.grid.names[0]} to {self.shown['towards']}, one half layer at a time"
        what = f"{dataset.name}, {dataset.class_names[self.shown['number']]}, seed {DISSECT_SEED}"
        return anatomy_still(
            scene.points,
            scene.grid,
            target=scene.learned,
            title=title if self.trained else f"{title}: a flow before training",
            caption=f"{what}. The data have a scale of their own, all others have one.",
        )

    def close(self) -> None:
        """End background work, and free every widget of the panel."""
        self._link.unlink()
        super().close()


def _check_given(world: World | None, model: GSMFlow | None) -> None:
    if world is None and model is not None:
        raise DataError(
            "a model must come with the world whose classes it knows: dissect(world, model)"
        )
    if world is not None:
        _check_world(world)
        if model is not None:
            check_model(model, world.dataset)


def _check_world(world: object) -> None:
    has_truth = all(callable(getattr(world, name, None)) for name in ("sample", "log_prob"))
    if not has_truth or not isinstance(getattr(world, "dataset", None), GZSLDataset):
        raise DataError(
            f"a world must have a dataset, sample and log_prob, got {type(world).__name__}: "
            "hand in crescent_world() or gaussian_world(2), for instance"
        )


def _as_step(event: Event) -> Step | None:
    """An epoch as a step of the one stage that the panel shows; other events say nothing."""
    if isinstance(event, Epoch):
        return Step(FLOW_JOB, event.epoch, event.epochs)
    return None


# --- Controls --------------------------------------------------------------------------------


def _controls(dataset: GZSLDataset, number: int, last: int) -> dict[str, Any]:
    return {
        "number": choice(
            "class", _class_options(dataset), number, "Whose points, or whose description"
        ),
        "towards": choice(
            "direction",
            [("data to noise", "noise"), ("noise to data", "data")],
            "noise",
            "Which way to go",
        ),
        "points": slider("points", 300, 50, ROWS_SHOWN, 50, "How many points travel"),
        "temperature": slider(
            "temperature",
            1.0,
            0.0,
            1.5,
            0.05,
            "Scales the noise before it goes to data; 0: all one point",
        ),
        "step": slider("step", 0, 0, last, 1, "Half layers so far; arrow keys move it too"),
        **_switches(),
    }


def _switches() -> dict[str, widgets.Checkbox]:
    return {
        "grid": switch("grid", True, "Straight at the start"),
        "density": switch(
            "density", True, "Curves that hold 50, 90 and 99 % of the flow's density"
        ),
        "truth": switch(
            "true density", False, "The same curves of the world's own density, dashed"
        ),
    }


def _class_options(dataset: GZSLDataset) -> list[tuple[str, int]]:
    """The classes to choose from: what stands in the list, and their numbers."""
    unseen = set(dataset.unseen_classes.tolist())
    return [
        (f"{name} (unseen)" if k in unseen else name, k)
        for k, name in enumerate(dataset.class_names)
    ]
