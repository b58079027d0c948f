"""The base of all panels: settings with undo, a state and a log, background work, code, a still."""

from __future__ import annotations

import base64
import gc
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

import ipywidgets as widgets
import traitlets

from ..arguments import names_in, real, whole
from ..errors import ConfigError, DataError, GSMFlowError
from ..events import Event
from ..figures.style import png, short
from ..numerics import give_back
from . import state
from .history import History, Log
from .saved import outputs
from .tools import Tools, close_all
from .worker import Task, Worker, event_text, plainly

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

OPEN_PANELS: dict[str, Panel] = {}  # by name: a second panel of a name closes the first
FRAMES_KEPT = 8
EMPTY_FRAMES: deque[widgets.Widget] = deque()  # frames of panels that have given way
MOST_SAID = 3  # of several refused names
REFUSALS = (traitlets.TraitError, ConfigError, ValueError, TypeError)  # what a control may raise

Shown = TypeVar("Shown")


class Panel:
    """A set of controls, and a view of what they are set to.

    A subclass

    - sets ``kind``, its name in a state, and ``help``, a line on what to do first;
    - gives its controls to ``super().__init__``: widgets with a ``value``, by name of the setting;
    - then makes its views, puts them in place with :meth:`arrange`, and calls :meth:`redraw`;
    - defines :meth:`refresh`, :meth:`code` and :meth:`still`, which take settings from ``shown``.

    Settings change through the widgets or through :meth:`set`. Each change is followed by one
    :meth:`refresh`. If ``refresh`` raises an error, it is said in words, and ``shown`` and all
    controls go back to the settings of the view. After a ``GSMFlowError`` the view must still be as
    it was; after any other error it is drawn once more as ``shown`` says. An interrupt is passed
    on, with ``shown`` as it was before. In tests and notebooks, :meth:`wait` returns when
    background work is done.

    Raises ``ConfigError`` for a name in ``hide`` that is no control, and for a ``start`` that is no
    state of this panel.
    """

    kind = "panel"
    help = ""
    former: tuple[str, ...] = ()  # settings that this kind of panel had in older versions
    told: tuple[str, ...] = ()  # controls that stay in sight when the state is sealed

    def __init__(
        self, controls: Mapping[str, Any], *, name: str, hide: Sequence[str] = (), start: str = ""
    ) -> None:
        hide = names_in(hide, "hide")
        _check_hidden(hide, controls)
        self.controls = dict(controls)
        self.name = name
        self.sealed = state.is_sealed(start)  # until `reveal`
        self._hidden = hide
        self.quiet = False  # while the panel changes its own controls
        self.initial = self.settings  # what `reset` goes back to
        self.shown = self.settings  # the settings of the view
        self.has_view = False  # whether anything was drawn yet
        self.worker = Worker(self.show_progress, self.show_failure)
        self._history = History(self.settings)
        self._log = Log()
        self.tools = Tools(self)

        self._show_controls()
        self.say(self.help)
        if start:
            self._begin_with(start)
        for key in self.controls:
            self._follow_control(key)
        self._replace_open_panel()

    def _begin_with(self, text: str) -> None:
        """Take the settings from a state, without a move that could be undone."""
        self._apply(state.from_text(self.kind, text, self.initial, self.former))
        self.shown = self.settings
        self._history.begin_at(self.settings)

    def _follow_control(self, key: str) -> None:
        self.controls[key].observe(lambda _: self._control_moved(key), names="value")

    def _replace_open_panel(self) -> None:
        """End an open panel of the same name; a sentence stays in its place."""
        if self.name in OPEN_PANELS:
            OPEN_PANELS[self.name].give_way()
        OPEN_PANELS[self.name] = self

    # --- What a subclass defines -------------------------------------------------------------

    def refresh(self) -> None:
        """Draw what the settings say."""
        raise NotImplementedError

    def code(self) -> str:
        """Return the library calls that make this view."""
        raise NotImplementedError

    def still(self) -> Figure:
        """Return the view as a matplotlib figure, for where no kernel runs."""
        raise NotImplementedError

    # --- Settings ----------------------------------------------------------------------------

    @property
    def settings(self) -> dict[str, Any]:
        """Every setting by name."""
        return {key: _value_of(control) for key, control in self.controls.items()}

    def set(self, **values: Any) -> None:
        """Change settings together, as if the controls had been moved.

        Raises ``ConfigError`` for a name that is no setting and for a value that a control refuses.
        Then no setting has changed.
        """
        unknown = [key for key in values if key not in self.controls]
        if unknown:
            raise ConfigError(
                f"this panel has no setting {unknown[0]!r}: it has {', '.join(self.controls)}"
            )
        self._apply(values)
        self._control_moved("")

    def state(self) -> str:
        """Return the settings as a short text, for :meth:`restore` and the argument ``state``."""
        return self.as_text(self.settings)

    def as_text(self, settings: Mapping[str, Any]) -> str:
        """Write any settings, such as ``shown``, as the text of a state."""
        text = state.to_text(self.kind, settings, self.initial)
        return state.seal(text) if self.sealed else text

    def restore(self, text: str) -> None:
        """Take the settings from the text of a state.

        Raises ``ConfigError`` for a text that is no state of this panel. Then nothing has changed.
        """
        self.set(**state.from_text(self.kind, text, self.initial, self.former))
        if state.is_sealed(text) and not self.sealed:
            self.sealed = True
            self._show_controls()

    def reveal(self) -> Panel:
        """Break the seal of a state: show its settings, its text, its code and what was tried."""
        self.sealed = False
        self._show_controls()
        self._log.unseal()
        self.tools.list_log(self._log.lines)
        return self

    def _show_controls(self) -> None:
        """Show the controls that nobody asked to hide and, of a sealed state, that tell nothing."""
        for key, control in self.controls.items():
            secret = self.sealed and key not in self.told
            control.layout.display = "none" if secret or key in self._hidden else None
        self.tools.conceal(self.sealed)

    @property
    def can_undo(self) -> bool:
        """Whether there is a move to undo."""
        return self._history.can_go_back

    def undo(self) -> None:
        """Go back by one move."""
        if not self.can_undo:
            return
        self._apply(self._history.back())
        self.redraw()
        self._history.begin_at(self.settings)
        self.tools.follow()

    def reset(self) -> None:
        """Set every control as at the start. This is a move: undo takes it back."""
        self.set(**self.initial)

    @contextmanager
    def quietly(self) -> Iterator[None]:
        """Do not follow the controls that change inside a ``with`` block."""
        before = self.quiet
        self.quiet = True
        try:
            yield
        finally:
            self.quiet = before

    def _apply(self, values: Mapping[str, Any]) -> None:
        """Put values into the controls: all of them or, if one is refused, none."""
        before = self.settings
        with self.quietly():
            for key, value in values.items():
                try:
                    _put(self.controls[key], _as_control_has_it(self.controls[key], value))
                except REFUSALS as error:
                    for other, old in before.items():
                        _put(self.controls[other], old)
                    raise ConfigError(f"{key} cannot be {_said(value)}: {_why(error)}") from None

    def _control_moved(self, key: str) -> None:
        """Remember the settings before a move, and draw. ``key`` is empty for several controls."""
        if self.quiet or self.settings == self._history.now:
            return
        try:
            self.redraw()
        finally:
            if self.settings != self._history.now:  # it was not refused
                self._history.move(self.settings, key)
            self.tools.follow()

    def redraw(self) -> bool:
        """Draw the settings as they are now. Returns whether that was done; if not, says why."""
        self.tools.follow()
        self.tools.forgive()
        before = self.shown
        self.shown = self.settings
        try:
            self.refresh()
        except Exception as error:
            self.shown = before
            if self.has_view:
                self._go_back()
                if not isinstance(error, GSMFlowError):
                    self.draw_again()  # it may have changed a part of the view
            self.say(plainly(error), bad=True)
            return False
        except BaseException:  # an interrupt: who asked for it waits for no other drawing
            self.shown = before
            raise
        self.has_view = True
        self.tools.show_code()
        return True

    def _go_back(self) -> None:
        """Put the controls to what is shown: a refused setting would lie about the view."""
        self._apply(self.shown)
        self.tools.follow()

    def draw_again(self) -> bool:
        """Draw what ``shown`` says once more. Returns whether that was done; if not, says why."""
        try:
            self.refresh()
        except Exception as error:
            self.say(plainly(error), bad=True)
            return False
        self.has_view = True
        self.tools.show_code()
        return True

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Say any error of a ``with`` block in words: nobody sees what a callback raises."""
        try:
            yield
        except Exception as error:
            self.say(plainly(error), bad=True)

    # --- The log -----------------------------------------------------------------------------

    @property
    def log(self) -> pd.DataFrame:
        """The settings that were tried, with their scores; the latest stand last."""
        return self._log.table()

    def remember(self, scores: Mapping[str, float]) -> None:
        """Add the settings of the view to the log, with scores. Equal settings stand there once."""
        self._log.add(self.as_text(self.shown), scores)
        self.tools.list_log(self._log.lines)

    # --- Background work ---------------------------------------------------------------------

    def submit(self, name: str, job: Callable[[Task], Any], deliver: Callable[[Any], None]) -> Task:
        """Run ``job`` in the background; of the jobs with one name only the latest counts."""
        return self.worker.submit(name, job, deliver)

    def wait(self, timeout: float = 600.0) -> Panel:
        """Return the panel when background work is done and shown."""
        self.worker.wait(timeout)
        return self

    def cancel(self) -> None:
        """Stop background work; the view stays as it is."""
        self.worker.cancel()
        self.say("cancelled: what is shown is as it was before")

    def show_progress(self, name: str | None, event: Event | None) -> None:
        """Show the last event of a job; without a name, no job is running."""
        if name is None:
            self.tools.progress("", None, busy=False)
        else:
            stage, share = event_text(name, event)
            self.tools.progress(stage, share, busy=True)

    def show_failure(self, name: str, error: BaseException) -> None:
        """Say why a job has failed."""
        self.say(f"{name}: {plainly(error)}", bad=True)

    def say(self, text: str, *, bad: bool = False) -> None:
        """Write a line on top of the panel; a bad one stands out as an error."""
        self.tools.say(text, bad=bad)

    # --- Showing -----------------------------------------------------------------------------

    @property
    def widget(self) -> widgets.Widget:
        """The panel as one widget."""
        return self.tools.box

    def arrange(self, left: Sequence[widgets.Widget], right: Sequence[widgets.Widget]) -> None:
        """Put controls into groups, one for each heading, and views beside them."""
        self.tools.arrange(left, right)
        self._show_controls()

    def close(self) -> None:
        """End background work, and free every widget of the panel."""
        self._retire()
        close_all(self.widget)
        gc.collect()  # a panel and its controls refer to each other
        give_back()

    def give_way(self) -> None:
        """Close all but the frame, which says that another panel has taken this name.

        Only the latest ``FRAMES_KEPT`` of such frames are kept.
        """
        self._retire()
        self.tools.leave(
            f"This panel was closed, because another one named {short(self.name)!r} was opened. "
            "To have both, give one of them another name, as in "
            f"{self.kind}(name='second'); to have this one back, run its cell again."
        )
        if len(EMPTY_FRAMES) == FRAMES_KEPT:
            close_all(EMPTY_FRAMES.popleft())
        EMPTY_FRAMES.append(self.widget)
        gc.collect()
        give_back()

    def _retire(self) -> None:
        """End background work, and give the name free."""
        self.worker.close()
        if OPEN_PANELS.get(self.name) is self:
            del OPEN_PANELS[self.name]

    def _ipython_display_(self) -> None:
        """Show the panel in a notebook, in a form that can be saved and opened again."""
        from IPython.display import display

        for output in outputs(self._repr_mimebundle_()):
            display(output, raw=True)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        """The live widgets, and a still figure for where no kernel runs, if one can be drawn."""
        live = self.widget._repr_mimebundle_() or {}
        if isinstance(live, tuple):
            live = live[0]
        live.pop("text/html", None)
        with suppress(Exception):  # the panel itself says what is wrong
            live["image/png"] = base64.b64encode(png(self.still())).decode()
        words = "a panel for JupyterLab and wherever widgets work; panel.still() is a picture of it"
        return {**live, "text/plain": f"{self.kind}: {words}"}


def _check_hidden(hide: Sequence[str], controls: Mapping[str, Any]) -> None:
    unknown = [key for key in hide if key not in controls]
    if unknown:
        raise ConfigError(
            f"hide must name controls of this panel ({', '.join(controls)}), got {unknown[0]!r}"
        )


def _value_of(control: Any) -> Any:
    """The value of a control, without rounding errors.

    Eight steps of 0.05 with an arrow key make a page send 0.3999999999999999 for a slider at 0.4.
    """
    if isinstance(control, widgets.FloatSlider):
        return float(f"{control.value:.12g}")
    return control.value


def _as_control_has_it(control: Any, value: Any) -> Any:
    """A number for a slider as a plain one: a slider would cut off a fraction, and read text.

    A list becomes a tuple, which is what a control of several names has. Raises ``ConfigError`` for
    what is no such number.
    """
    if isinstance(control, widgets.IntSlider):
        return whole(value, "it")
    if isinstance(control, widgets.FloatSlider | widgets.FloatLogSlider):
        return real(value, "it")
    if isinstance(control, widgets.Checkbox) and not isinstance(value, bool):
        raise ConfigError(f"it must be True or False, got {short(value, 60)!r}")
    return tuple(value) if isinstance(value, list) else value


def _said(value: Any) -> str:
    """A refused value in words."""
    names = value if isinstance(value, tuple | list) else [value]
    return " and ".join(repr(short(name, 60)) for name in names[:MOST_SAID]) or "empty"


def _why(error: Exception) -> str:
    """Why a control refused a value, without the words of Python."""
    if isinstance(error, ConfigError | ValueError):
        return plainly(ConfigError(str(error)))
    return "that is not an option of it, choose one that is"


def _put(control: Any, value: Any) -> None:
    """Put a value into a control.

    Raises ``ConfigError`` for a value that the control would change to another one.
    """
    control.value = value
    if control.value == value:
        return
    if hasattr(control, "max"):
        raise ConfigError(f"it must be from {control.min} to {control.max}")
    raise ConfigError("not an option")


def drawn(view: Shown | None, remedy: str = "choose a class") -> Shown:
    """Return what a panel shows.

    Raises ``DataError`` if nothing is shown yet, because the first settings were refused.
    """
    if view is None:
        raise DataError(f"there is nothing to draw yet: {remedy}")
    return view
