"""The command ``gsmflow-lite``: its commands and their options. What they do: runs/commands.py."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from . import __version__
from .config import CLASSIFIERS, PRECISIONS
from .errors import BAD_INPUT, INTERRUPTED, GSMFlowError
from .presets import FULL, LITE, PUBLISHED, PUBLISHED_BENCHMARKS

Command = Callable[[argparse.Namespace], int]
#: What is kept of a command that was stopped, by its name.
WHEN_STOPPED = {
    "train_command": "; the same command takes up a final training, choosing starts again",
    "images_command": "; images that were read are kept, the same command goes on with the rest",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status.

    An error that the user can mend goes to stderr as one plain message.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    options = _parser().parse_args(arguments)
    options.command = shlex.join(["gsmflow-lite", *arguments])
    try:
        return _command(options.run)(options)
    except GSMFlowError as error:
        print(f"gsmflow-lite: {error}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print(f"\nstopped by you{WHEN_STOPPED.get(options.run, '')}", file=sys.stderr)
        return INTERRUPTED


def _command(name: str) -> Command:
    if name == "doctor_command":  # it must be able to say what the other commands lack
        from .doctor.command import doctor_command

        return doctor_command
    if name == "page_command":
        from .runs.page_command import page_command

        return page_command
    from .runs import commands  # not before the options are known to be good

    return getattr(commands, name)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gsmflow-lite",
        description="Train a conditional flow that synthesizes features of unseen classes, "
        "and score it by the rules of GZSL.",
        epilog="DATA is a name (see 'gsmflow-lite datasets'), a benchmark folder (xlsa17 or "
        "EPGN), a folder of .npy files, an .npz or an .h5 file.",
    )
    parser.add_argument("--version", action="version", version=f"gsmflow-lite {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_demo(commands)
    _add_images(commands)
    _add_train(commands)
    _add_study(commands)
    _add_diagnose(commands)
    _add_evaluate(commands)
    _add_synthesize(commands)
    _add_page(commands)
    _add_datasets(commands)
    _add_lesson(commands)
    _add_doctor(commands)
    return parser


# --- Train --------------------------------------------------------------------------------------


def _add_demo(commands) -> None:
    add = commands.add_parser(
        "demo", help="train on the embedded letters, evaluate, write a report (a minute and a half)"
    )
    add.add_argument(
        "--out",
        type=Path,
        default=Path("runs/demo"),
        help="folder for the results (default: %(default)s)",
    )
    _add_run_options(add)
    add.set_defaults(run="train_command", data="glyphs", features=None, splits=None)


def _add_train(commands) -> None:
    add = commands.add_parser(
        "train", help="train and evaluate on DATA, write model, result.json and report.html"
    )
    add.add_argument("data", metavar="DATA", help="name, folder, .npz or .h5 file")
    _add_files(add)
    add.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder for the results; an interrupted run goes on",
    )
    _add_run_options(add)
    add.set_defaults(run="train_command")


def _add_files(add: argparse.ArgumentParser) -> None:
    add.add_argument(
        "--features",
        metavar="NAME",
        help="feature file of a folder: NAME.mat (default: res101) or NAME.npy (default: features)",
    )
    add.add_argument(
        "--splits",
        metavar="FILE",
        help="file of attributes and splits of a folder of .mat files (default: att_splits.mat)",
    )


def _add_seed(add: argparse.ArgumentParser) -> None:
    add.add_argument("--seed", type=int, default=0, help="of everything random (default: 0)")


def _add_run_options(add: argparse.ArgumentParser) -> None:
    papers = ", ".join(f"{paper}/{name}" for paper in PUBLISHED for name in PUBLISHED_BENCHMARKS)
    own = ", ".join([*(f"lite/{name}" for name in LITE), *(f"full/{name}" for name in FULL)])
    _add_seed(add)
    add.add_argument(
        "--preset",
        help=f"{own}, or a published one: {papers} (default: the lite/... that suits)",
    )
    add.add_argument(
        "--protocol",
        choices=("validation", "published"),
        default="validation",
        help="choose on validation classes (default), or on the test set as the papers' code does",
    )
    add.add_argument(
        "--classifier",
        choices=CLASSIFIERS,
        help="the only one to use (default: chosen on validation classes, for each method)",
    )
    _add_training_options(add)
    add.add_argument(
        "--no-baselines", action="store_true", help="skip ridge-Gaussian, ESZSL and the oracle"
    )


def _add_training_options(add: argparse.ArgumentParser) -> None:
    add.add_argument(
        "--folds", type=int, help="validation folds to choose on (default: as the preset says)"
    )
    add.add_argument(
        "--epochs", type=int, help="train at most this long (default: as the preset says)"
    )
    add.add_argument("--device", default="auto", help="auto, cpu, cuda or mps (default: auto)")
    add.add_argument(
        "--precision",
        choices=PRECISIONS,
        help="of products in training; bf16 is fastest (default: as the preset says)",
    )


# --- Images -------------------------------------------------------------------------------------


def _add_images(commands) -> None:
    add = commands.add_parser(
        "images", help="make DATA of a folder of images, one folder a class, and of what you say"
    )
    add.add_argument("folder", type=Path, metavar="FOLDER", help="holds a folder for each class")
    add.add_argument(
        "--descriptions",
        type=Path,
        metavar="FILE",
        help="of the classes: a table of attributes (.csv ...), or texts (.csv, .json, .txt); "
        "default: their names",
    )
    add.add_argument(
        "--table",
        type=Path,
        metavar="FILE",
        help=".csv or .tsv with the columns file, class and perhaps split, in place of a folder "
        "for each class",
    )
    add.add_argument(
        "--unseen",
        nargs="+",
        metavar="NAME",
        help="unseen classes, a file with a name in each line, or how many to draw with --seed "
        "(default: a quarter)",
    )
    add.add_argument(
        "--as-written",
        action="store_true",
        help="leave the columns of a table of attributes as they are, not brought to 0..1",
    )
    _add_backbone(add)
    _add_seed(add)
    add.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DATA",
        help="a file that ends in .npz, or a folder, in which large features stay on disk",
    )
    add.set_defaults(run="images_command")


def _add_backbone(add: argparse.ArgumentParser) -> None:
    add.add_argument(
        "--backbone",
        default="efficientnet-lite0",
        metavar="NAME",
        help="what makes features of images, such as timm:NAME (default: %(default)s)",
    )
    add.add_argument(
        "--encoder",
        metavar="NAME",
        help="what makes attributes of texts (default: wordllama)",
    )
    add.add_argument("--device", default="auto", help="auto, cpu, cuda or mps (default: auto)")
    add.add_argument(
        "--precision",
        choices=PRECISIONS,
        default="float32",
        help="of the backbone's products (default: float32)",
    )


# --- Study --------------------------------------------------------------------------------------


def _add_study(commands) -> None:
    add = commands.add_parser(
        "study", help="run variants x presets x seeds x data sets from a TOML file, write one table"
    )
    add.add_argument(
        "study", type=Path, metavar="FILE.toml", help="what to compare: see docs/studies.md"
    )
    add.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder for the results; an interrupted study goes on",
    )
    place = add.add_mutually_exclusive_group()
    place.add_argument(
        "--jobs",
        type=int,
        metavar="N",
        help="processes, each on one thread (default: one for each core)",
    )
    place.add_argument(
        "--cluster",
        metavar="tcp://HOST:PORT",
        help="run on the workers of this Dask scheduler instead",
    )
    add.add_argument(
        "--reference", metavar="ROW", help="differences are to this row (default: as the file says)"
    )
    add.set_defaults(run="study_command")


# --- Diagnose and evaluate ----------------------------------------------------------------------


def _add_diagnose(commands) -> None:
    add = commands.add_parser(
        "diagnose",
        help="say why a generator falls short: measure features that any model synthesized",
    )
    add.add_argument(
        "generated",
        type=Path,
        metavar="FEATURES",
        help=".npz or .mat file with features and labels (and class_names), "
        "or the model.safetensors of a run",
    )
    add.add_argument(
        "--dataset",
        dest="data",
        required=True,
        metavar="DATA",
        help="the real data: name, folder, .npz or .h5 file",
    )
    _add_files(add)
    add.add_argument(
        "--out",
        type=Path,
        default=Path("runs/diagnose"),
        metavar="DIR",
        help="default: %(default)s",
    )
    _add_measuring_options(add)
    add.set_defaults(run="diagnose_command", epochs=None, folds=None, precision=None)


def _add_measuring_options(add: argparse.ArgumentParser) -> None:
    add.add_argument(
        "-n",
        type=int,
        default=400,
        help="synthesized features per class, at most (default: %(default)s)",
    )
    _add_seed(add)
    add.add_argument(
        "--preset",
        help="whose preprocessing and classifier to use (default: lite/..., as for train)",
    )
    units = add.add_mutually_exclusive_group()
    units.add_argument(
        "--raw", action="store_true", help="measure in the data's own units, without preprocessing"
    )
    units.add_argument(
        "--preprocessed",
        action="store_true",
        help="FEATURES have been preprocessed as `train` does it",
    )


def _add_evaluate(commands) -> None:
    add = commands.add_parser(
        "evaluate", help="score a saved model on DATA with the settings chosen when it was trained"
    )
    add.add_argument("model", type=Path, metavar="MODEL", help="model.safetensors of a run")
    add.add_argument("data", metavar="DATA", help="the data it was trained on")
    _add_files(add)
    add.add_argument(
        "--labelled",
        type=int,
        nargs="+",
        default=(),
        metavar="N",
        help="also tell T1 with so many labelled rows a class, and with these rows alone: the mean "
        "of 5 draws, tested on half of the unseen rows",
    )
    add.add_argument(
        "--seed",
        type=int,
        help="of the first of these draws; each next one has the next seed (default: the run's)",
    )
    add.add_argument(
        "--unlabelled",
        action="store_true",
        help="also tell T1 where the unseen test rows are read without labels (transductive)",
    )
    add.set_defaults(run="evaluate_command")


def _add_synthesize(commands) -> None:
    add = commands.add_parser(
        "synthesize", help="synthesize features of classes and write them to an .npz file"
    )
    add.add_argument("model", type=Path, metavar="MODEL", help="model.safetensors of a run")
    add.add_argument("data", metavar="DATA", help="where the class descriptions are")
    _add_files(add)
    add.add_argument(
        "--classes", nargs="+", metavar="NAME", help="class names (default: the unseen ones)"
    )
    add.add_argument("-n", type=int, default=100, help="features per class (default: 100)")
    add.add_argument(
        "--temperature",
        type=float,
        default=1.0,
        help="larger gives more varied features (default: 1)",
    )
    _add_seed(add)
    add.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="FILE.npz",
        help="keys: features (in the data's own units), labels, class_names; .npz is appended "
        "where it is missing",
    )
    add.set_defaults(run="synthesize_command")


# --- Page ---------------------------------------------------------------------------------------


def _add_page(commands) -> None:
    add = commands.add_parser(
        "page", help="write one HTML file in which flows imagine while a slider moves"
    )
    add.add_argument(
        "model",
        type=Path,
        nargs="?",
        metavar="RUN",
        help="folder of a run, or a model.safetensors (default: the flows that come along)",
    )
    add.add_argument(
        "data",
        nargs="?",
        metavar="DATA",
        help="the data it was trained on; may be left out where they come along, too",
    )
    _add_files(add)
    add.add_argument(
        "--out",
        type=Path,
        default=Path("playground.html"),
        metavar="FILE.html",
        help="default: %(default)s",
    )
    add.add_argument(
        "--rows",
        type=int,
        default=2000,
        help="real rows on the maps, at most; fewer make a smaller file (default: %(default)s)",
    )
    add.add_argument(
        "--most",
        type=float,
        default=32.0,
        metavar="MB",
        help="megabytes that the file may have (default: %(default)g)",
    )
    add.set_defaults(run="page_command")


# --- Data sets ----------------------------------------------------------------------------------


def _add_datasets(commands) -> None:
    add = commands.add_parser(
        "datasets", help="list the data sets; check one and say what is wrong or missing"
    )
    add.set_defaults(run="list_command")
    actions = add.add_subparsers(metavar="ACTION")
    listing = actions.add_parser(
        "list", help="what ships with the package, and what can be fetched"
    )
    listing.set_defaults(run="list_command")
    check = actions.add_parser(
        "check", help="check DATA: exit 0 if it can be used, else 2 and one plain message"
    )
    check.add_argument("data", metavar="DATA", help="name, folder, .npz or .h5 file")
    _add_files(check)
    check.set_defaults(run="check_command")


# --- Lesson -------------------------------------------------------------------------------------


def _add_lesson(commands) -> None:
    add = commands.add_parser(
        "lesson", help="copy the course into a folder: notebooks that have not been run yet"
    )
    add.add_argument("folder", type=Path, metavar="DIR", help="where to; no file there is replaced")
    add.add_argument(
        "--answers", action="store_true", help="copy the solutions of the exercises, too"
    )
    add.set_defaults(run="lesson_command")


# --- Doctor -------------------------------------------------------------------------------------


def _add_doctor(commands) -> None:
    add = commands.add_parser(
        "doctor",
        help="say whether all is ready for a lesson or a training, and what to mend "
        "(half a minute)",
    )
    add.add_argument(
        "--device", default="auto", help="auto, cpu, cuda or mps, as for train (default: auto)"
    )
    add.add_argument(
        "--warm", action="store_true", help="make the map of the letters, so that the next is quick"
    )
    add.add_argument(
        "--json", type=Path, metavar="FILE", help="write all findings, for a report of a bug"
    )
    add.set_defaults(run="doctor_command")


if __name__ == "__main__":
    sys.exit(main())
