"""The command ``gsmflow-lite``: demo, train, study, diagnose, evaluate, synthesize, datasets."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from . import __version__
from .config import PRECISIONS, PUBLISHED, PUBLISHED_BENCHMARKS, Config
from .datasets import BENCHMARKS as KNOWN
from .datasets import GZSLDataset, available, check_folder, load
from .errors import ConfigError, DataError, GSMFlowError, StorageError

BAD_INPUT = 2  # exit status when data, settings or files break a rule
INCOMPLETE = 1  # when some cells of a study failed
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status. Errors of the user's make go to stderr as one plain message."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = _parser().parse_args(arguments)
    options.command = shlex.join(["gsmflow-lite", *arguments])
    try:
        return options.run(options)
    except GSMFlowError as error:
        print(f"gsmflow-lite: {error}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print(
            "\nstopped by you; the same command takes up a final training, choosing starts again",
            file=sys.stderr,
        )
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gsmflow-lite",
        description="Train a conditional flow that synthesizes features of unseen classes, and score it by the rules of GZSL.",
        epilog="DATA is a name (see 'gsmflow-lite datasets'), a benchmark folder (xlsa17 or EPGN), or an .npz file.",
    )
    parser.add_argument("--version", action="version", version=f"gsmflow-lite {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_demo(commands)
    _add_train(commands)
    _add_study(commands)
    _add_diagnose(commands)
    _add_evaluate(commands)
    _add_synthesize(commands)
    _add_datasets(commands)
    return parser


def _add_demo(commands) -> None:
    add = commands.add_parser(
        "demo", help="train on the embedded letters, evaluate, write a report (about a minute)"
    )
    add.add_argument(
        "--out",
        type=Path,
        default=Path("runs/demo"),
        help="folder for the results (default: %(default)s)",
    )
    _add_run_options(add)
    add.set_defaults(run=_train, data="glyphs", features="res101")


def _add_train(commands) -> None:
    add = commands.add_parser(
        "train", help="train and evaluate on DATA, write model, result.json and report.html"
    )
    add.add_argument("data", metavar="DATA", help="name, benchmark folder or .npz file")
    add.add_argument(
        "--features",
        default="res101",
        metavar="NAME",
        help="feature file NAME.mat of a folder (default: res101)",
    )
    add.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder for the results; an interrupted run goes on",
    )
    _add_run_options(add)
    add.set_defaults(run=_train)


def _add_run_options(add: argparse.ArgumentParser) -> None:
    papers = ", ".join(f"{paper}/{name}" for paper in PUBLISHED for name in PUBLISHED_BENCHMARKS)
    add.add_argument("--seed", type=int, default=0, help="of everything random (default: 0)")
    add.add_argument(
        "--preset",
        help=f"lite/glyphs, lite/features, or a published one: {papers} (default: lite/...)",
    )
    add.add_argument("--protocol", choices=("validation", "published"), default="validation",
                     help="choose on validation classes (default), or on the test set as the papers' code does")  # fmt: skip
    add.add_argument(
        "--classifier",
        choices=("softmax", "likelihood"),
        default="softmax",
        help="for the flow's scores",
    )
    add.add_argument(
        "--folds", type=int, help="validation folds to choose on (default: as the preset says)"
    )
    add.add_argument(
        "--epochs", type=int, help="train at most this long (default: as the preset says)"
    )
    add.add_argument("--device", default="auto", help="auto, cpu, cuda or mps (default: auto)")
    add.add_argument("--precision", choices=PRECISIONS,
                     help="of products in training; bf16 is fastest (default: as the preset says)")  # fmt: skip
    add.add_argument(
        "--no-baselines", action="store_true", help="skip ridge-Gaussian, ESZSL and the oracle"
    )


def _train(options: argparse.Namespace) -> int:
    from .progress import ProgressBar
    from .runs.experiment import run_experiment

    dataset = load(options.data, features=options.features)
    _make_folder(options.out)
    checkpoint = options.out / "checkpoint.safetensors"
    print(dataset)
    with ProgressBar() as bar:
        experiment = run_experiment(
            dataset,
            _config(options, dataset),
            seed=options.seed,
            protocol=options.protocol,
            classifier=options.classifier,
            baselines=not options.no_baselines,
            device=options.device,
            checkpoint=checkpoint,
            repeat=options.command,
            watch=bar,
        )
        experiment.save(options.out)
        _write_report(experiment, experiment.model, options.out, bar)
    checkpoint.unlink(missing_ok=True)  # the run is whole; another seed may use the same folder
    _print_scores("flow", experiment.result)
    _print_words(experiment)
    print(
        f"written: {', '.join(str(options.out / f) for f in ('report.html', 'result.json', 'model.safetensors'))}"
    )
    return 0


def _write_report(run, generator, folder: Path, watch) -> None:
    from .runs.report import write_report

    write_report(
        folder / "report.html",
        dataset=run.dataset,
        generator=generator,
        result=run.result,
        shifts=run.shifts,
        watch=watch,
    )


def _make_folder(path: Path) -> None:
    """Now, not after an hour of training."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"{path} must be a folder that can be written, but {error.strerror}: name another --out"
        ) from None


def _config(options: argparse.Namespace, dataset: GZSLDataset) -> Config:
    """The preset that was named, or the one that suits the data, with the options on top."""
    from .runs.study_file import named_preset

    config = named_preset(
        options.preset or ("lite/glyphs" if dataset.name == "glyphs" else "lite/features")
    )
    given = {
        name: getattr(options, name)
        for name in ("epochs", "precision")
        if getattr(options, name) is not None
    }
    config = replace(config, training=replace(config.training, **given))
    return config if options.folds is None else replace(config, folds=options.folds)


def _print_scores(own: str, result: dict) -> None:
    print(f"{result['dataset']}, seed {result['seed']}: {result['rule']}")
    print(f"{'per cent':16s}{'seen':>8s}{'unseen':>8s}{'harmonic':>10s}{'T1':>8s}")
    for name, scores in [
        (own, result["scores"]),
        *result["baselines"].items(),
    ]:  # whose own name may be a baseline's
        print(
            f"{name[:15]:16s}{scores['seen']:8.1f}{scores['unseen']:8.1f}{scores['harmonic']:10.1f}{scores['zsl']:8.1f}"
        )


def _print_words(run) -> None:
    """Each generator's meters in a word, and what could not be measured."""
    from .shifts.report import METERS

    if run.shifts:
        print(f"{'has it drifted?':16s}" + "".join(f"{meter:>13s}" for meter in METERS))
    for name, report in run.shifts.items():
        print(
            f"{name[:15]:16s}" + "".join(f"{report.reading(meter).word:>13s}" for meter in METERS)
        )
    for note in run.result["notes"]:
        print(f"note: {note}")


def _add_study(commands) -> None:
    add = commands.add_parser(
        "study", help="run variants x presets x seeds x data sets from a TOML file, write one table"
    )
    add.add_argument(
        "study", type=Path, metavar="FILE.toml", help="what to compare: README.md, section Studies"
    )
    add.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder for the results; an interrupted study goes on",
    )
    where = add.add_mutually_exclusive_group()
    where.add_argument(
        "--jobs",
        type=int,
        metavar="N",
        help="processes, each on one thread (default: one for each core)",
    )
    where.add_argument(
        "--cluster",
        metavar="tcp://HOST:PORT",
        help="run on the workers of this Dask scheduler instead",
    )
    add.add_argument(
        "--reference", metavar="ROW", help="differences are to this row (default: as the file says)"
    )
    add.set_defaults(run=_study)


def _study(options: argparse.Namespace) -> int:
    from .progress import ProgressBar
    from .runs.study import run_study
    from .runs.study_file import Study

    study = Study.read(options.study)
    if options.reference is not None:
        study = replace(study, reference=options.reference)
    _make_folder(options.out)
    print(f"{study.name}: {study.count} cells", flush=True)
    try:
        with ProgressBar() as bar:
            table = run_study(
                study, options.out, jobs=options.jobs, cluster=options.cluster, watch=bar
            )
    except KeyboardInterrupt:
        print(
            "\nstopped by you: finished cells are kept, the same command runs the rest",
            file=sys.stderr,
        )
        return INTERRUPTED
    return _tell_study(study, table, options.out)


def _tell_study(study, table, folder: Path) -> int:
    """Print means, intervals and errors, draw what is finished; the exit status."""
    from .figures.style import png
    from .runs.study_figures import study_still
    from .runs.tables import readable
    from .storage import write_whole

    print(readable(table, reference=study.reference).to_string())
    print("(means ± half-widths of 95 % intervals over seeds; differences are taken seed by seed)")
    written = [folder / "results.parquet"]
    if (table["status"] == "done").any():
        figure = study_still(
            table,
            title=study.name,
            caption="Means with 95 % intervals over seeds; small: single seeds.",
        )
        write_whole(folder / "summary.png", png(figure))
        written.append(folder / "summary.png")
    print(f"written: {', '.join(map(str, written))}")
    failed = table[table["status"] == "failed"]
    for row in failed.itertuples():
        print(
            f"failed: {row.dataset}, {row.preset}, {row.variant}, seed {row.seed}: {row.error}",
            file=sys.stderr,
        )
    return INCOMPLETE if len(failed) else 0


def _add_diagnose(commands) -> None:
    add = commands.add_parser(
        "diagnose",
        help="say why a generator falls short: measure features that any model synthesized",
    )
    add.add_argument(
        "generated",
        type=Path,
        metavar="FEATURES",
        help=".npz or .mat file with features and labels (and class_names), or the model.safetensors of a run",
    )
    add.add_argument(
        "--dataset",
        dest="data",
        required=True,
        metavar="DATA",
        help="the real data: name, folder or .npz file",
    )
    add.add_argument(
        "--features",
        default="res101",
        metavar="NAME",
        help="feature file NAME.mat of a folder (default: res101)",
    )
    add.add_argument(
        "--out",
        type=Path,
        default=Path("runs/diagnose"),
        metavar="DIR",
        help="default: %(default)s",
    )
    add.add_argument(
        "-n",
        type=int,
        default=400,
        help="synthesized features per class, at most (default: %(default)s)",
    )
    add.add_argument("--seed", type=int, default=0, help="of everything random (default: 0)")
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
    add.set_defaults(run=_diagnose, epochs=None, folds=None, precision=None)


def _diagnose(options: argparse.Namespace) -> int:
    from .progress import ProgressBar
    from .runs.experiment import diagnose
    from .storage import write_json

    dataset, generator, name = _generated(options)
    _make_folder(options.out)
    print(dataset)
    with ProgressBar() as bar:
        found = diagnose(
            dataset,
            generator,
            _config(options, dataset),
            name=name,
            n=options.n,
            seed=options.seed,
            repeat=options.command,
            watch=bar,
        )
        write_json(options.out / "result.json", found.result)
        _write_report(found, generator, options.out, bar)
    print(next(iter(found.shifts.values())))
    if found.result["scores"]:
        _print_scores(name, found.result)
    _print_words(found)
    print(f"written: {options.out / 'report.html'}, {options.out / 'result.json'}")
    return 0


def _generated(options: argparse.Namespace):
    """The data set in the space in which to measure, the generator that was named, and what to call it."""
    from .generators.stored import FromFile
    from .method.model import SavedModel
    from .runs.experiment import OURS

    dataset = load(options.data, features=options.features)
    if options.generated.suffix.lower() == ".safetensors":
        if options.raw or options.preprocessed:
            raise ConfigError(
                "--raw and --preprocessed are for files of features: a saved model is measured in the space that it was "
                "trained in"
            )
        saved = SavedModel.load(options.generated)
        return _mapped(dataset, saved), saved.model, OURS
    if options.raw:
        dataset = dataset.origin or dataset
    else:
        config = _config(options, dataset)
        dataset = dataset.preprocessed(config.preprocessing, config.components)
    generator = FromFile.read(options.generated, dataset, preprocessed=options.preprocessed)
    return dataset, generator, options.generated.stem


def _add_evaluate(commands) -> None:
    add = commands.add_parser(
        "evaluate", help="score a saved model on DATA with the settings chosen when it was trained"
    )
    add.add_argument("model", type=Path, metavar="MODEL", help="model.safetensors of a run")
    add.add_argument("data", metavar="DATA", help="the data it was trained on")
    add.add_argument(
        "--features",
        default="res101",
        metavar="NAME",
        help="feature file NAME.mat of a folder (default: res101)",
    )
    add.set_defaults(run=_evaluate)


def _evaluate(options: argparse.Namespace) -> int:
    from .method.model import SavedModel
    from .scores.evaluation import likelihood_logits, softmax_logits

    saved = SavedModel.load(options.model)
    missing = {"choice", "config", "classifier", "seed", "dataset"} - set(saved.notes)
    if missing:
        raise StorageError(
            f"{options.model} was not saved by a run: it has no {min(missing)!r} to score with; train it again"
        )
    dataset = _mapped(load(options.data, features=options.features), saved)
    if dataset.name != saved.notes["dataset"]:
        print(
            f"note: the model was trained on {saved.notes['dataset']!r}, not on {dataset.name!r}",
            file=sys.stderr,
        )
    choice, config = saved.notes["choice"], Config.from_dict(saved.notes["config"])
    if saved.notes["classifier"] == "likelihood":
        logits = likelihood_logits(saved.model, dataset)
    else:
        penalty = choice["setting"]["penalty"] or config.classifier.penalties[0]
        classifier = replace(config.classifier, penalties=(penalty,))
        logits = softmax_logits(saved.model, dataset, classifier, seed=saved.notes["seed"])
    print(f"{dataset.name}: {logits.scores(choice['calibration'])}")
    return 0


def _mapped(dataset: GZSLDataset, saved) -> GZSLDataset:
    return dataset if saved.preprocessing is None else dataset.transformed(saved.preprocessing)


def _add_synthesize(commands) -> None:
    add = commands.add_parser(
        "synthesize", help="synthesize features of classes and write them to an .npz file"
    )
    add.add_argument("model", type=Path, metavar="MODEL", help="model.safetensors of a run")
    add.add_argument("data", metavar="DATA", help="where the class descriptions are")
    add.add_argument(
        "--features",
        default="res101",
        metavar="NAME",
        help="feature file NAME.mat of a folder (default: res101)",
    )
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
    add.add_argument("--seed", type=int, default=0)
    add.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="FILE.npz",
        help="keys: features (in the data's own units), labels, class_names",
    )
    add.set_defaults(run=_synthesize)


def _synthesize(options: argparse.Namespace) -> int:
    import io

    import numpy as np

    from .method.model import SavedModel
    from .storage import write_whole

    saved = SavedModel.load(options.model)
    dataset = load(options.data, features=options.features)
    classes = _class_numbers(options.classes, dataset)
    made = saved.model.synthesize(
        dataset.attributes[classes], options.n, temperature=options.temperature, seed=options.seed
    )
    features = made.flatten(0, 1).numpy()
    if saved.preprocessing is not None:
        features = saved.preprocessing.inverse(features)
    content = io.BytesIO()
    labels = np.repeat(classes, options.n)
    np.savez_compressed(
        content, features=features, labels=labels, class_names=np.array(dataset.class_names)
    )
    write_whole(options.out, content.getvalue())
    print(f"{len(labels)} features of {len(classes)} classes written to {options.out}")
    return 0


def _class_numbers(names: Sequence[str] | None, dataset: GZSLDataset):
    import numpy as np

    if names is None:
        return dataset.unseen_classes
    unknown = [name for name in names if name not in dataset.class_names]
    if unknown:
        known = ", ".join(dataset.class_names[:10])
        raise DataError(
            f"classes must be names in {dataset.name}, got {unknown[0]!r}: they start {known} ..."
        )
    return np.array([dataset.class_names.index(name) for name in names])


def _add_datasets(commands) -> None:
    add = commands.add_parser(
        "datasets", help="list the data sets; check a folder and say what is wrong or missing"
    )
    add.set_defaults(run=_list)
    actions = add.add_subparsers(metavar="ACTION")
    actions.add_parser(
        "list", help="what ships with the package, and what can be fetched"
    ).set_defaults(run=_list)
    check = actions.add_parser(
        "check", help="check a folder: exit 0 if it can be used, else 2 and one plain message"
    )
    check.add_argument("folder", type=Path, metavar="FOLDER")
    check.add_argument(
        "--features",
        default="res101",
        metavar="NAME",
        help="feature file NAME.mat (default: res101)",
    )
    check.set_defaults(run=_check)


def _list(options: argparse.Namespace) -> int:
    print("Ready to use by name:")
    for name, text in available().items():
        print(f"  {name:20s}{text}")
    print("Benchmarks, to be fetched by you (data/README.md says where) and used by folder:")
    for name, known in KNOWN.items():
        print(
            f"  {name:20s}{known.images} images, {known.seen} seen and {known.unseen} unseen classes"
        )
    return 0


def _check(options: argparse.Namespace) -> int:
    print(check_folder(options.folder, options.features))
    return 0


if __name__ == "__main__":
    sys.exit(main())
