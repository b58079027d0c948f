"""What each command of ``gsmflow-lite`` does with its options; each returns an exit status.

A command raises ``ConfigError``, ``DataError`` and ``StorageError`` as what it calls does.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Int

from ..arguments import check_seed, whole
from ..config import Config
from ..datasets import BENCHMARKS, GZSLDataset, available, check_data, load
from ..datasets.names import as_text, did_you_mean
from ..errors import INCOMPLETE, INTERRUPTED, ConfigError, DataError, StorageError
from ..events import Watch
from ..generators.base import Generator
from ..generators.stored import FromFile
from ..images import from_images
from ..method.model import SavedModel
from ..presets import for_few_rows, suited
from ..progress import ProgressBar
from ..scores.evaluation import TestLogits, likelihood_logits, softmax_logits
from ..scores.labelled_rows import draw_labelled, t1, t1_of_draw
from ..scores.unlabelled_rows import with_unlabelled_rows
from ..shifts.meters import METERS
from ..storage import suffix_of, to_read, to_write, write_json, write_whole
from .data_of_images import lines_about, place_of_data, write_data
from .diagnosis import Diagnosis
from .diagnosis import diagnose as diagnose_generator
from .experiment import OURS, Experiment, run_experiment
from .lesson import write_lesson
from .report import write_report
from .report_parts import SCORES, chosen_classifiers
from .settings import named_preset
from .study import run_study
from .study_file import Study
from .tables import readable, student_half_width

if TYPE_CHECKING:
    import pandas as pd

WRITTEN = ("report.html", "result.json", "model.safetensors")
DRAWS = 5  # of labelled rows


# --- Train --------------------------------------------------------------------------------------


def train_command(options: argparse.Namespace) -> int:
    """Train on the data, evaluate, and write model, result and report."""
    dataset = _load(options)
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
        _write_page(experiment, experiment.model, options.out, bar)
    checkpoint.unlink(missing_ok=True)  # the run is whole; another seed may use the same folder
    _print_scores("flow", experiment.result)
    _print_words(experiment)
    print(f"written: {', '.join(str(options.out / name) for name in WRITTEN)}")
    print("in a notebook:")
    print(_opened(options, experiment))
    return 0


def _opened(options: argparse.Namespace, experiment: Experiment) -> str:
    """The lines of Python that open the explorer with the model of a run."""
    files = {"features": options.features, "splits": options.splits}
    given = "".join(f", {name}={value!r}" for name, value in files.items() if value is not None)
    data = f"load({str(options.data)!r}{given})"
    if experiment.dataset.preprocessing is not None:
        data += ".transformed(saved.preprocessing)"
    return (
        "  from gsmflow_lite import SavedModel, explore, load\n"
        f"  saved = SavedModel.load({str(options.out / 'model.safetensors')!r})\n"
        f'  explore({data}, {{"flow": saved.model}})'
    )


def _load(options: argparse.Namespace) -> GZSLDataset:
    """Load the data that were named, and print what was left out of them, or looks strange."""
    dataset = load(options.data, features=options.features, splits=options.splits)
    for note in dataset.notes:
        print(f"note: {note}", file=sys.stderr)
    return dataset


def _config(options: argparse.Namespace, dataset: GZSLDataset) -> Config:
    """The preset that was named, or the one that suits the data, with the options on top."""
    config = named_preset(options.preset) if options.preset else _suited_config(dataset)
    training = {"epochs": options.epochs, "precision": options.precision}
    given = {name: value for name, value in training.items() if value is not None}
    config = replace(config, training=replace(config.training, **given))
    return config if options.folds is None else replace(config, folds=options.folds)


def _suited_config(dataset: GZSLDataset) -> Config:
    usual = named_preset(f"lite/{suited(dataset.name)}")
    rows = len(dataset.train)
    config = for_few_rows(usual, rows)
    if config == usual or config.components >= dataset.features.shape[1]:  # all are kept anyway
        return usual
    print(
        f"note: {config.components} principal components, not {usual.components}, since there "
        f"are only {rows} training rows; --preset {usual.name} takes all",
        file=sys.stderr,
    )
    return config


def _make_folder(path: Path) -> None:
    """Make the folder now, so that a fault is found before an hour of training."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"{path} must be a folder that can be written, but {error.strerror}: name another --out"
        ) from None


def _write_page(
    run: Experiment | Diagnosis, generator: Generator, folder: Path, watch: Watch
) -> None:
    write_report(
        folder / "report.html",
        dataset=run.dataset,
        generator=generator,
        result=run.result,
        shifts=run.shifts,
        watch=watch,
    )


def _print_scores(name: str, result: Mapping[str, Any]) -> None:
    print(f"{result['dataset']}, seed {result['seed']}: {result['rule']}")
    headings = ("seen", "unseen", "harmonic", "T1", "AUSUC")
    print(f"{'per cent':16s}" + "".join(f"{heading:>10s}" for heading in headings) + "  classifier")
    classifiers = chosen_classifiers(result)
    rows = [(name, result["scores"]), *result["baselines"].items()]  # two may have one name
    for (who, scores), classifier in zip(rows, classifiers, strict=True):
        numbers = "".join(f"{scores[score]:10.1f}" for score in SCORES)
        print(f"{who[:15]:16s}{numbers}  {classifier}")


def _print_words(run: Experiment | Diagnosis) -> None:
    """Print the verdicts on each generator, and what could not be measured."""
    if run.shifts:
        print(f"{'has it drifted?':16s}" + "".join(f"{meter:>13s}" for meter in METERS))
    for name, report in run.shifts.items():
        words = [report.reading(meter).word for meter in METERS]
        print(f"{name[:15]:16s}" + "".join(f"{word:>13s}" for word in words))
    for note in run.result["notes"]:
        print(f"note: {note}")


# --- Study --------------------------------------------------------------------------------------


def study_command(options: argparse.Namespace) -> int:
    """Run a study, and print and draw its table."""
    asked = Study.read(options.study)
    if options.reference is not None:
        asked = replace(asked, reference=options.reference)
    _make_folder(options.out)
    print(f"{asked.name}: {asked.count} cells", flush=True)
    try:
        with ProgressBar() as bar:
            table = run_study(
                asked, options.out, jobs=options.jobs, cluster=options.cluster, watch=bar
            )
    except KeyboardInterrupt:
        print(
            "\nstopped by you: finished cells are kept, the same command runs the rest",
            file=sys.stderr,
        )
        return INTERRUPTED
    print(readable(table, reference=asked.reference).to_string())
    print("(means ± half-widths of 95 % intervals over seeds; differences are taken seed by seed)")
    written = [options.out / "results.parquet", *_draw_study(asked, table, options.out)]
    print(f"written: {', '.join(map(str, written))}")
    return _print_failures(table)


def _draw_study(asked: Study, table: pd.DataFrame, folder: Path) -> list[Path]:
    """Draw what is finished; returns the files that were written."""
    from ..figures.style import png
    from .study_figures import study_still

    if not (table["status"] == "done").any():
        return []
    figure = study_still(
        table,
        title=asked.name,
        caption="Means with 95 % intervals over seeds; small: single seeds.",
    )
    path = folder / "summary.png"
    write_whole(path, png(figure))
    return [path]


def _print_failures(table: pd.DataFrame) -> int:
    """Print the errors of failed cells; returns the exit status."""
    failed = table[table["status"] == "failed"]
    for row in failed.itertuples():
        cell = f"{row.dataset}, {row.preset}, {row.variant}, seed {row.seed}"
        print(f"failed: {cell}: {row.error}", file=sys.stderr)
    return INCOMPLETE if len(failed) else 0


# --- Diagnose -----------------------------------------------------------------------------------


def diagnose_command(options: argparse.Namespace) -> int:
    """Measure how far features of any generator drift from real ones, and write a report."""
    dataset, generator, name = _generated(options)
    _make_folder(options.out)
    print(dataset)
    with ProgressBar() as bar:
        diagnosis = diagnose_generator(
            dataset,
            generator,
            _config(options, dataset),
            name=name,
            n=options.n,
            seed=options.seed,
            repeat=options.command,
            watch=bar,
        )
        write_json(options.out / "result.json", diagnosis.result)
        _write_page(diagnosis, generator, options.out, bar)
    for sentence in diagnosis.result["descriptions"]["sentences"]:
        print(sentence)
    print(next(iter(diagnosis.shifts.values())))
    if diagnosis.result["scores"]:
        _print_scores(name, diagnosis.result)
    _print_words(diagnosis)
    print(f"written: {options.out / 'report.html'}, {options.out / 'result.json'}")
    return 0


def _generated(options: argparse.Namespace) -> tuple[GZSLDataset, Generator, str]:
    """The data in the space in which to measure, the generator, and what to call it."""
    dataset = _load(options)
    generated = to_read(options.generated, ".safetensors", ".npz", ".mat")
    if suffix_of(generated) == ".safetensors":
        if options.raw or options.preprocessed:
            raise ConfigError(
                "--raw and --preprocessed are for files of features: a saved model is measured "
                "in the space that it was trained in"
            )
        saved = SavedModel.load(generated)
        return _as_trained(dataset, saved), saved.model, OURS
    if options.raw:
        dataset = dataset.origin or dataset
    else:
        config = _config(options, dataset)
        dataset = dataset.preprocessed(config.preprocessing, config.components)
    generator = FromFile.read(generated, dataset, preprocessed=options.preprocessed)
    return dataset, generator, generated.stem


def _as_trained(dataset: GZSLDataset, saved: SavedModel) -> GZSLDataset:
    """The data with the preprocessing that the model was trained with."""
    if saved.preprocessing is None:
        return dataset
    return dataset.transformed(saved.preprocessing)


# --- Evaluate and synthesize --------------------------------------------------------------------


def evaluate_command(options: argparse.Namespace) -> int:
    """Score a saved model with the settings that were chosen when it was trained."""
    saved = SavedModel.load(options.model)
    missing = {"choice", "config", "classifier", "seed", "dataset"} - set(saved.notes)
    if missing:
        raise StorageError(
            f"{options.model} was not saved by a run: it has no {min(missing)!r} to score with; "
            "train it again"
        )
    dataset = _as_trained(_load(options), saved)
    trained_on = saved.notes["dataset"]
    if dataset.name != trained_on:
        print(
            f"note: the model was trained on {trained_on!r}, not on {dataset.name!r}",
            file=sys.stderr,
        )
    made_by = saved.notes.get("backbone") or dataset.backbone
    if dataset.backbone and made_by != dataset.backbone:
        print(
            f"note: the model was trained on features by {made_by!r}, and these are by "
            f"{dataset.backbone!r}",
            file=sys.stderr,
        )
    labelled = _with_labelled_rows(saved, dataset, options)  # before anything is printed
    logits = _logits(saved, dataset)
    print(f"{dataset.name}: {logits.scores(saved.notes['choice']['calibration'])}")
    if options.labelled or options.unlabelled:
        print("not zero-shot; T1 by likelihood, which compares with no score above:")
    for line in labelled:
        print(line)
    if options.unlabelled:
        mixture = with_unlabelled_rows(saved.model, dataset, dataset.test_unseen)
        score = t1(mixture.generator, dataset)
        print(f"unlabelled rows (transductive), all tested: {score:.1f}")
    return 0


def _with_labelled_rows(
    saved: SavedModel, dataset: GZSLDataset, options: argparse.Namespace
) -> list[str]:
    """T1 with labelled rows of unseen classes, with their descriptions and without: a line each."""
    counts = sorted(
        {whole(count, "labelled rows of a class", least=0) for count in options.labelled}
    )
    if not counts:
        return []
    first = saved.notes["seed"] if options.seed is None else check_seed(options.seed)
    seeds = range(first, first + DRAWS)
    for seed in seeds:  # a fault of any draw, before the first is computed
        draw_labelled(dataset, max(*counts, 1), seed=seed)
    draws = [t1_of_draw(saved.model, dataset, counts, seed=seed) for seed in seeds]

    def line(name: str, kind: str, count: int) -> str:
        values = [draw[kind][count] for draw in draws]
        return f"{name}: {np.mean(values):.1f} ± {student_half_width(values):.1f}"

    how = f"{DRAWS} draws from seed {first}, half of the unseen rows tested, means ± 95 %"
    lines = [f"({how}; alone: without descriptions)"]
    for count in counts:
        lines.append(line(f"{count} labelled rows a class", "described", count))
        if count:
            lines.append(line(f"{count} labelled rows a class alone", "alone", count))
    return lines


def _logits(saved: SavedModel, dataset: GZSLDataset) -> TestLogits:
    setting = saved.notes["choice"]["setting"]
    if setting.get("classifier", saved.notes["classifier"]) == "likelihood":
        return likelihood_logits(saved.model, dataset)
    config = Config.from_dict(saved.notes["config"])
    penalty = setting["penalty"] or config.classifier.penalties[0]
    classifier = replace(config.classifier, penalties=(penalty,))
    return softmax_logits(saved.model, dataset, classifier, seed=saved.notes["seed"])


def synthesize_command(options: argparse.Namespace) -> int:
    """Write synthesized features of classes to an .npz file, in the data's own units."""
    saved = SavedModel.load(options.model)
    out = to_write(options.out, ".npz")
    dataset = _load(options)
    classes = _class_numbers(options.classes, dataset)
    synthesized = saved.model.synthesize(
        dataset.attributes[classes], options.n, temperature=options.temperature, seed=options.seed
    )
    features = synthesized.flatten(0, 1).numpy()
    if saved.preprocessing is not None:
        features = saved.preprocessing.inverse(features)
    labels = np.repeat(classes, options.n)
    content = io.BytesIO()
    np.savez_compressed(
        content, features=features, labels=labels, class_names=np.array(dataset.class_names)
    )
    write_whole(out, content.getvalue())
    print(f"{len(labels)} features of {len(classes)} classes written to {out}")
    return 0


def _class_numbers(names: Sequence[str] | None, dataset: GZSLDataset) -> Int[np.ndarray, " M"]:
    if names is None:
        return dataset.unseen_classes
    names = [as_text(name) for name in names]
    unknown = [name for name in names if name not in dataset.class_names]
    if unknown:
        first_names = ", ".join(dataset.class_names[:10])
        raise DataError(
            f"classes must be names in {dataset.name}, got {unknown[0]!r}: "
            f"they start {first_names} ...{did_you_mean(unknown[0], dataset.class_names)}"
        )
    return np.array([dataset.class_names.index(name) for name in names])


# --- Data sets ----------------------------------------------------------------------------------


def list_command(options: argparse.Namespace) -> int:
    """Print what ships with the package, and what can be fetched."""
    print("Ready to use by name:")
    for name, text in available().items():
        print(f"  {name:20s}{text}")
    print("Benchmarks, to be fetched by you (data/README.md says where) and used by folder:")
    for name, facts in BENCHMARKS.items():
        classes = f"{facts.seen} seen and {facts.unseen} unseen classes"
        print(f"  {name:20s}{facts.images} images, {classes}")
    return 0


def check_command(options: argparse.Namespace) -> int:
    """Check a data set; what is wrong with it is raised."""
    print(check_data(options.data, options.features, options.splits))
    return 0


# --- Images -------------------------------------------------------------------------------------


def images_command(options: argparse.Namespace) -> int:
    """Make a data set of a folder of images, write it, and say what it holds and what is next."""
    unseen = options.unseen
    out = place_of_data(options.out)
    with ProgressBar() as bar:
        dataset = from_images(
            options.folder,
            options.descriptions,
            table=options.table,
            unseen=unseen[0] if unseen is not None and len(unseen) == 1 else unseen,
            backbone=options.backbone,
            encoder=options.encoder,
            seed=options.seed,
            scale_columns=not options.as_written,
            device=options.device,
            precision=options.precision,
            watch=bar,
        )
    write_data(dataset, out)
    print("\n".join(lines_about(dataset, out)))
    return 0


# --- Lesson -------------------------------------------------------------------------------------


def lesson_command(options: argparse.Namespace) -> int:
    """Copy the course, and say how to open it."""
    start = write_lesson(options.folder, answers=options.answers)
    print(f"the course is in {start.parent}; open it by: jupyter lab {start}")
    return 0
