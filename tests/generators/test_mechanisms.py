"""The table of mechanisms agrees with the settings, and with the switches of the shipped flows."""

from dataclasses import fields

import pytest

from gsmflow_lite.config import Config, MiningConfig, ModelConfig, TrainingConfig
from gsmflow_lite.generators.mechanisms import MECHANISMS, SWITCHES
from gsmflow_lite.generators.zoo import Mechanisms

EVERYTHING = Config(
    model=ModelConfig(semantics="first", relative_positioning=True, start="ridge"),
    training=TrainingConfig(prototype_weight=2.0, perturbation=0.3, mining=MiningConfig()),
)
each_mechanism = pytest.mark.parametrize("mechanism", MECHANISMS.values(), ids=MECHANISMS)


def differences(config: Config, other: Config) -> dict[str, tuple]:
    """The settings in which two configs differ, with both values."""
    found = {}
    for section in ("model", "training"):
        ours = vars(getattr(config, section))
        theirs = vars(getattr(other, section))
        for name in ours:
            if ours[name] != theirs[name]:
                found[f"{section}.{name}"] = (ours[name], theirs[name])
    return found


def test_the_table_names_every_switch_of_the_shipped_flows_in_their_order():
    assert list(SWITCHES) == [field.name for field in fields(Mechanisms)]


def test_every_mechanism_of_a_shipped_flow_is_on_by_default():
    assert vars(Mechanisms()) == dict.fromkeys(SWITCHES, True)


@each_mechanism
def test_a_mechanism_that_is_used_is_on(mechanism):
    assert mechanism.is_on(EVERYTHING)


@each_mechanism
def test_switching_off_changes_that_one_setting(mechanism):
    without = mechanism.without(EVERYTHING)
    assert not mechanism.is_on(without)
    setting = f"{mechanism.section}.{mechanism.setting}"
    value = mechanism.value(EVERYTHING)
    assert differences(EVERYTHING, without) == {setting: (value, mechanism.off)}
    assert without.classifier == EVERYTHING.classifier


@each_mechanism
def test_a_value_that_is_put_back_switches_it_on_again(mechanism):
    without = mechanism.without(EVERYTHING)
    assert mechanism.with_value(without, mechanism.value(EVERYTHING)) == EVERYTHING


def test_labels_and_texts_differ():
    assert len({one.label for one in MECHANISMS.values()}) == len(MECHANISMS)
    assert len({one.help for one in MECHANISMS.values()}) == len(MECHANISMS)


@pytest.mark.parametrize("name", SWITCHES)
def test_a_shipped_flow_without_a_mechanism_was_trained_without_it(name):
    assert SWITCHES[name].is_on(Mechanisms().config())
    assert not SWITCHES[name].is_on(Mechanisms(**{name: False}).config())
