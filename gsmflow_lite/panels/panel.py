"""What every panel has: settings with undo and a log, a state as text, the code of the view, stages with cancel, a still."""

from __future__ import annotations

import base64
import gc
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import traitlets

from ..errors import ConfigError, GSMFlowError
from ..events import Event
from ..figures.style import png, short
from ..numerics import give_back
from . import state
from .worker import Task, Worker, event_text, plainly

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

ONE_MOVE = 1.0  # seconds: changes of one control that follow each other so fast are undone together
KEPT = 200  # steps of undo, lines of the log
_open: dict[str, Panel] = {}  # by name: a second panel of a name closes the first


class Panel:
    """A set of controls and a view of what they say.

    A subclass sets ``kind``, makes its ``controls`` (name of a setting -> widget with a ``value``), calls ``super().__init__``
    and defines ``refresh``, ``code`` and ``still``, which take the settings from ``shown``. All settings change through the
    widgets or :meth:`set`, and each change is followed by one :meth:`refresh`; where that raises, what is shown, and what is
    said of it, must stay as it was. In tests and notebooks :meth:`wait` returns when background work is done. Raises
    ``ConfigError`` for a setting that is not there, or a value out of its range.
    """

    kind = "panel"
    help = ""  # one line on what to do first

    def __init__(
        self, controls: Mapping[str, Any], *, name: str, hide: Sequence[str] = (), start: str = ""
    ) -> None:
        unknown = [one for one in hide if one not in controls]
        if unknown:
            raise ConfigError(
                f"hide must name controls of this panel ({', '.join(controls)}), got {unknown[0]!r}"
            )
        self.controls, self.name = dict(controls), name
        self._start = self.settings  # what `reset` goes back to
        self.shown = self.settings  # those of the view: a move that is refused leaves it as it was
        self._past: list[dict[str, Any]] = []
        self._now, self._last = self.settings, ("", 0.0)
        self._log: list[dict[str, Any]] = []
        self._quiet = False
        self.worker = Worker(self._busy, self._failed)
        self._frame = _Frame(self)
        for key in hide:
            self.controls[key].layout.display = "none"
        self.say(self.help)
        if start:
            self._apply(state.from_text(self.kind, start, self._start))
            self._now = self.shown = self.settings
        for key, control in self.controls.items():
            control.observe(lambda change, key=key: self._changed(key), names="value")
        if name in _open:
            _open[name].close()
        _open[name] = self

    # --- What a subclass defines -------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Draw what the settings say."""
        raise NotImplementedError

    def code(self) -> str:
        """The library calls that make this view."""
        raise NotImplementedError

    def still(self) -> Figure:
        """The view as a matplotlib figure, for where no kernel runs."""
        raise NotImplementedError

    # --- Settings ----------------------------------------------------------------------------------------------------

    @property
    def settings(self) -> dict[str, Any]:
        """Every setting by name."""
        return {key: _even(control) for key, control in self.controls.items()}

    def set(self, **values: Any) -> None:
        """Change settings together, as if the controls had been moved. Raises ``ConfigError`` for what a control refuses."""
        unknown = [key for key in values if key not in self.controls]
        if unknown:
            raise ConfigError(
                f"this panel has no setting {unknown[0]!r}: it has {', '.join(self.controls)}"
            )
        self._apply(values)
        self._changed("")

    def state(self) -> str:
        """The settings as a short text; :meth:`restore` and the argument ``state`` take it."""
        return self.as_text(self.settings)

    def as_text(self, settings: Mapping[str, Any]) -> str:
        """Settings such as ``shown`` as a text of :meth:`state`."""
        return state.to_text(self.kind, settings, self._start)

    def restore(self, text: str) -> None:
        """Take the settings from a text of :meth:`state`. Raises ``ConfigError``; the settings then stay as they are."""
        self.set(**state.from_text(self.kind, text, self._start))

    def undo(self) -> None:
        """Go back by one move."""
        if self._past:
            self._apply(self._past.pop())
            self._now, self._last = self.settings, ("", 0.0)
            self._redraw()

    def reset(self) -> None:
        """Go back to the start; undo comes back."""
        self.set(**self._start)

    @contextmanager
    def quietly(self) -> Iterator[None]:
        """Controls may change here without being followed."""
        before, self._quiet = self._quiet, True
        try:
            yield
        finally:
            self._quiet = before

    def _apply(self, values: Mapping[str, Any]) -> None:
        """All values or none."""
        before = self.settings
        with self.quietly():
            try:
                for key, value in values.items():
                    self.accept(key, value)
            except (traitlets.TraitError, ConfigError, ValueError, TypeError) as error:
                for other, old in before.items():
                    self.accept(other, old)
                raise ConfigError(
                    f"{key} cannot be {short(value, 60)!r}: {plainly(error)}"
                ) from None

    def accept(self, key: str, value: Any) -> None:
        """Put a value into a control; what the control would quietly bend is refused."""
        control = self.controls[key]
        control.value = value
        if control.value != value:
            raise ConfigError(
                f"it must be from {control.min} to {control.max}"
                if hasattr(control, "max")
                else "not an option"
            )

    def _changed(self, key: str) -> None:
        """After each change: remember what was, and draw."""
        if self._quiet or self.settings == self._now:
            return
        moment = time.monotonic()
        same = key and key == self._last[0] and moment - self._last[1] < ONE_MOVE
        if not same:
            self._past = [*self._past[1 - KEPT :], self._now]
        self._now, self._last = self.settings, (key, moment)
        self._redraw()

    def _redraw(self) -> None:
        self._frame.follow()
        self._frame.forgive()
        before, self.shown = self.shown, self.settings
        try:
            self.refresh()
        except GSMFlowError as error:
            self.shown = before
            self.say(plainly(error), bad=True)
        else:
            self._frame.show_code()

    # --- The log -----------------------------------------------------------------------------------------------------

    @property
    def log(self) -> pd.DataFrame:
        """The settings that were tried, with their scores, the latest last."""
        import pandas as pd

        return pd.DataFrame(self._log)

    def remember(self, scores: Mapping[str, float]) -> None:
        """Add the settings of the view to the log, with scores; the same settings once."""
        text = self.as_text(self.shown)
        self._log = [one for one in self._log if one["state"] != text][1 - KEPT :]
        self._log.append(
            {"state": text, **{key: round(float(value), 3) for key, value in scores.items()}}
        )
        self._frame.list_log(self._log)

    # --- Background work ---------------------------------------------------------------------------------------------

    def submit(self, name: str, job: Callable[[Task], Any], deliver: Callable[[Any], None]) -> Task:
        """Run ``job`` in the background; of one name only the latest counts."""
        return self.worker.submit(name, job, deliver)

    def wait(self, timeout: float = 600.0) -> Panel:
        """Return when background work is done and shown."""
        self.worker.wait(timeout)
        return self

    def cancel(self) -> None:
        """Stop background work; what is shown stays."""
        self.worker.cancel()
        self.say("cancelled: what is shown is as it was before")

    def _busy(self, name: str | None, event: Event | None) -> None:
        self._frame.progress(
            *(("", None) if name is None else event_text(name, event)), busy=name is not None
        )

    def _failed(self, name: str, error: Exception) -> None:
        self.say(f"{name}: {plainly(error)}", bad=True)

    def say(self, text: str, *, bad: bool = False) -> None:
        """One line under the controls; errors stand out."""
        self._frame.say(text, bad)

    # --- Showing -----------------------------------------------------------------------------------------------------

    @property
    def widget(self) -> widgets.Widget:
        """The panel as one widget."""
        return self._frame.box

    def arrange(self, left: Sequence[widgets.Widget], right: Sequence[widgets.Widget]) -> None:
        """Put controls to the left and views to the right."""
        self._frame.arrange(left, right)

    def close(self) -> None:
        """End background work and free every widget of the panel."""
        self.worker.close()
        if _open.get(self.name) is self:
            del _open[self.name]
        close_all(self._frame.box)
        gc.collect()  # a panel and its controls know each other
        give_back()

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        """Live where a kernel runs; elsewhere the still figure, where there is something to draw."""
        live = self.widget._repr_mimebundle_() or {}
        live = live[0] if isinstance(live, tuple) else live
        live.pop("text/html", None)
        with suppress(GSMFlowError):  # the panel itself says what is wrong
            live["image/png"] = base64.b64encode(png(self.still())).decode()
        return {
            **live,
            "text/plain": f"{self.kind}: a panel for JupyterLab and wherever widgets work; panel.still() is a picture of it",
        }


class _Frame:
    """The widgets that every panel has around its own."""

    def __init__(self, panel: Panel) -> None:
        self.panel, self.locked = panel, False
        self.line = widgets.HTML(layout=widgets.Layout(margin="0"))
        self.bar = widgets.FloatProgress(
            min=0, max=1, layout=widgets.Layout(width="160px", visibility="hidden")
        )
        self.stop = _button("Cancel", "stop", "Stop what is being computed", lambda: panel.cancel())
        self.stop.layout.visibility = "hidden"
        self.undo = _button("Undo", "undo", "Back by one move", panel.undo)
        self.reset = _button("Reset", "refresh", "All settings as at the start", panel.reset)
        self.show = widgets.ToggleButton(
            description="Code",
            icon="code",
            tooltip="The library calls that make this view",
            layout=widgets.Layout(width="92px"),
        )
        self.code = widgets.HTML(layout=widgets.Layout(display="none"))
        self.text = widgets.Text(
            description="State", continuous_update=False, layout=widgets.Layout(width="340px"),
            tooltip="Copy it to share these settings; paste one and press Enter to take it over",
        )  # fmt: skip
        self.tried = widgets.Dropdown(
            description="Tried",
            options=[("settings that were tried", "")],
            layout=widgets.Layout(width="340px"),
        )
        self.style = widgets.HTML(STYLE, layout=widgets.Layout(height="0", margin="0"))
        self.body = widgets.HBox(
            layout=widgets.Layout(flex_flow="row wrap", align_items="flex-start", width="100%")
        )
        tools = widgets.HBox(
            [self.undo, self.reset, self.show, self.text, self.tried],
            layout=widgets.Layout(flex_flow="row wrap"),
        )
        status = widgets.HBox(
            [self.bar, self.stop, self.line],
            layout=widgets.Layout(min_height="34px", align_items="center"),
        )
        self.box = widgets.VBox([self.style, self.body, status, tools, self.code])
        self.box.add_class("gsmflow")
        self.box.add_class(f"gsmflow-{panel.kind}")
        self.show.observe(lambda _: self.show_code(), names="value")
        self.text.observe(self._typed, names="value")
        self.tried.observe(self._picked, names="value")

    def arrange(self, left: Sequence[widgets.Widget], right: Sequence[widgets.Widget]) -> None:
        self.body.children = [
            widgets.VBox(list(left), layout=widgets.Layout(width="330px", flex="0 0 330px")),
            widgets.VBox(
                list(right),
                layout=widgets.Layout(flex="1 1 560px", min_width="560px", overflow="auto"),
            ),
        ]
        self.follow()

    def follow(self) -> None:
        with self.panel.quietly():
            self.text.value = self.panel.state()
        self.undo.disabled = self.locked or not self.panel._past

    def lock(self, locked: bool) -> None:
        """Whether settings must stay as they are."""
        self.locked = locked
        self.reset.disabled = self.text.disabled = self.tried.disabled = locked
        self.follow()

    def show_code(self) -> None:
        if self.show.value:
            try:
                text = self.panel.code()
            except GSMFlowError as error:  # there is no view yet
                text = f"# {plainly(error)}"
            self.code.value = f'<pre class="code" tabindex="0" aria-label="code of this view">{escape(text)}</pre>'
        self.code.layout.display = "block" if self.show.value else "none"

    def list_log(self, log: Sequence[Mapping[str, Any]]) -> None:
        with self.panel.quietly():
            lines = [(_line(one), one["state"]) for one in reversed(log)]
            self.tried.options = [(f"settings that were tried: {len(lines)}", ""), *lines]
            self.tried.value = ""

    def progress(self, stage: str, share: float | None, *, busy: bool) -> None:
        for one in (self.bar, self.stop):
            one.layout.visibility = "visible" if busy else "hidden"
        self.bar.value = share or 0.0
        if busy:
            self.say(f"{stage} ...", False)
        elif self.line.value.endswith(" ...</span>"):
            self.say("", False)

    def say(self, text: str, bad: bool) -> None:
        role = "alert" if bad else "status"
        self.line.value = f'<span role="{role}" class="{"bad" if bad else "calm"}">{escape(short(text, 400))}</span>'

    def forgive(self) -> None:
        """A complaint goes when the next move is made."""
        if 'role="alert"' in self.line.value:
            self.say("", False)

    def _typed(self, _) -> None:
        if self.panel._quiet or self.text.value.strip() == self.panel.state():
            return
        try:
            self.panel.restore(self.text.value)
        except ConfigError as error:
            self.say(plainly(error), True)

    def _picked(self, _) -> None:
        if not self.panel._quiet and self.tried.value:
            self.panel.restore(self.tried.value)
            with self.panel.quietly():
                self.tried.value = ""


def _button(
    text: str, icon: str, tooltip: str, act: Callable[[], None], width: str = "92px"
) -> widgets.Button:
    button = widgets.Button(
        description=text, icon=icon, tooltip=tooltip, layout=widgets.Layout(width=width)
    )
    button.on_click(lambda _: act())
    return button


button = _button


def _even(control: Any) -> Any:
    """The value of a control, a slider's as it is meant: eight steps of 0.05 by key make the page say 0.3999999999999999."""
    return (
        float(f"{control.value:.12g}")
        if isinstance(control, widgets.FloatSlider)
        else control.value
    )


def _line(one: Mapping[str, Any]) -> str:
    scores = "  ".join(f"{key} {value:.2f}" for key, value in one.items() if key != "state")
    return f"{short(one['state'], 60)}   {scores}"


def close_all(widget: widgets.Widget) -> None:
    """Close a widget with its children, layout and style: none stays in the kernel."""
    for child in getattr(widget, "children", ()):
        close_all(child)
    for part in ("layout", "style"):
        if isinstance(getattr(widget, part, None), widgets.Widget):
            getattr(widget, part).close()
    widget.unobserve_all()
    widget.close()


# Colours come from the theme of the page, light or dark; a contrast of at least 4.5 in either.
STYLE = """<style>
.gsmflow { --ink: var(--jp-ui-font-color1, var(--vscode-editor-foreground, #262626));
  --quiet: var(--jp-ui-font-color2, var(--vscode-descriptionForeground, #5f5f5f)); color: var(--ink); }
.gsmflow .bad { color: var(--ink); border-left: 5px solid #D55E00; padding: 2px 8px; }
.gsmflow .calm { color: var(--quiet); }
.gsmflow table { border-collapse: collapse; font-size: 13px; line-height: 1.5; color: var(--ink); }
.gsmflow th, .gsmflow td { padding: 1px 9px; text-align: right; border: 0; background: none; }
.gsmflow th.group { text-align: center; }
.gsmflow th:first-child { text-align: left; }
.gsmflow caption { text-align: left; color: var(--quiet); padding: 4px 0; caption-side: bottom; }
.gsmflow .code { font-size: 12px; padding: 8px; border: 1px solid var(--quiet); overflow: auto; max-width: 980px;
  color: var(--ink); background: transparent; }
.gsmflow .swatch { display: inline-block; width: 11px; height: 11px; border-radius: 6px; margin-right: 6px; }
.gsmflow .card { font-size: 13px; line-height: 1.45; color: var(--ink); }
.gsmflow .card img, .gsmflow .pictures img { image-rendering: pixelated; border: 1px solid var(--quiet); background: #fff; }
.gsmflow .js-plotly-plot { width: 100%; max-width: 860px; }
.gsmflow .js-plotly-plot .main-svg text { fill: var(--ink) !important; }
.gsmflow .js-plotly-plot .hoverlayer text { fill: #fff !important; }
.gsmflow .js-plotly-plot .annotation text { paint-order: stroke; stroke: var(--jp-layout-color0, #fff); stroke-width: 4px; }
.gsmflow .widget-label { color: var(--ink); }
</style>"""
