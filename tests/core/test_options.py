"""What is said to those who bring the words of elsewhere."""

import inspect
import json
import math
import pathlib
import re

import keras
import numpy as np
import pytest

import keras_losskit as kl
from keras_losskit.core import config
from keras_losskit.core.options import CLASSES
from tests.cases import CASES

BY_CLASS = {case.loss: case for case in reversed(CASES)}


@pytest.mark.parametrize("cls", BY_CLASS, ids=lambda c: c.__name__)
def test_an_unknown_option_names_the_class_and_what_is_near(cls):
    case, known = BY_CLASS[cls], config.names(cls)
    with pytest.raises(TypeError, match=f"^{cls.__name__} has no option `no_such_thing`: it takes"):
        case.make(no_such_thing=1)
    for name in known:
        wrong = name[:-1] + name[-1] * 2
        with pytest.raises(TypeError, match=rf"^{cls.__name__} has no option `{wrong}`: .*\?$"):
            case.make(**{wrong: 1})
    for name in cls.fixed:
        with pytest.raises(TypeError, match=f"^{cls.__name__} has no option `{name}`"):
            case.make(**{name: cls.fixed[name]})


def of_keras():
    """`(class here, option)` for each option of Keras' class of the name that is not one here."""
    for name, cls in vars(keras.losses).items():
        here = getattr(kl, name, None) if inspect.isclass(cls) else None
        if here is None or not issubclass(here, kl.Loss) or here is kl.Loss:
            continue
        for option in inspect.signature(cls).parameters:
            if option not in config.names(here):
                yield pytest.param(here, option, id=f"{name}-{option}")


@pytest.mark.parametrize(("cls", "option"), list(of_keras()))
def test_each_option_of_keras_is_answered_with_a_way(cls, option):
    with pytest.raises(TypeError) as caught:
        cls(**{option: 1})
    said = str(caught.value)
    assert said.startswith(f"{cls.__name__} has no option `{option}`: ")
    assert "it takes" not in said, f"{said}: no way is named"
    for word in re.findall(r"`(\w+)`", said.partition(":")[2]):
        assert word in config.names(cls) or word in vars(kl) or word in ("loss",), word


@pytest.mark.parametrize("name", CLASSES)
def test_names_of_elsewhere_say_where_to_go(name):
    with pytest.raises(AttributeError, match=f"has no attribute '{name}'. Use ") as caught:
        getattr(kl, name)
    words = re.findall(r"\b[A-Z]\w+", str(caught.value).partition("Use ")[2])
    assert any(hasattr(kl, w) or hasattr(keras.losses, w) for w in words)


def test_every_loss_of_keras_is_here_or_answered():
    for name, cls in vars(keras.losses).items():
        if inspect.isclass(cls) and not hasattr(kl, name):
            with pytest.raises(AttributeError, match="Use |Did you mean"):
                getattr(kl, name)


def test_a_name_nearly_right():
    with pytest.raises(AttributeError, match="Did you mean 'MeanSquaredError'"):
        _ = kl.MeanSquareError


@pytest.mark.parametrize(
    "use",
    [
        lambda: kl.Huber() + kl.MeanSquaredError, lambda: kl.MeanSquaredError + kl.Huber(),
        lambda: kl.Huber() - kl.MeanSquaredError, lambda: 0.5 * kl.MeanSquaredError,
        lambda: kl.MeanSquaredError * 2, lambda: kl.MeanSquaredError / 2,
        lambda: -kl.MeanSquaredError, lambda: kl.Huber() * kl.MeanSquaredError,
        lambda: kl.AddLoss(kl.MeanSquaredError), lambda: kl.as_loss(kl.MeanSquaredError),
        lambda: kl.WeightedSum([kl.MeanSquaredError]), lambda: kl.TermMetric(kl.MeanSquaredError),
        lambda: kl.Product([kl.Huber(), kl.MeanSquaredError]),
        lambda: kl.MeanSquaredError(np.ones((2, 1)), np.ones((2, 1))),
        lambda: kl.MeanSquaredError(*map(keras.ops.ones, [(2, 1), (2, 1)])),
        lambda: kl.as_loss("mse") + keras.losses.MeanSquaredError,
    ],
)
def test_a_class_where_a_loss_is_meant(use):
    with pytest.raises(TypeError, match="MeanSquaredError is a class of losses.*Call it"):
        use()


WAYS = "schedule|LearnedWeights|LearningRateSchedule"


@pytest.mark.parametrize(
    "weight",
    [
        lambda: keras.Variable(0.5), lambda: keras.ops.convert_to_tensor(0.5),
        lambda: keras.ops.ones((2,)), lambda: np.ones(2), lambda: np.ones((2, 1)),
    ],
)
def test_a_weight_that_would_be_frozen_names_the_ways(weight):
    for use in (
        lambda w: w * kl.Huber(), lambda w: kl.Huber() * w, lambda w: kl.Huber() / w,
        lambda w: w * (kl.Huber() + kl.LogCosh()), lambda w: kl.WeightedSum([(w, kl.Huber())]),
    ):
        with pytest.raises(TypeError, match=WAYS):
            use(weight())


def test_numbers_of_numpy_are_numbers():
    for half in (np.float32(0.5), np.float64(0.5), np.array(0.5)):
        assert half * kl.Huber() == kl.Huber() * half == 0.5 * kl.Huber() == kl.Huber() / (1 / half)


@pytest.mark.parametrize("word", ["auto", "AUTO"])
def test_auto_names_its_equal(word):
    with pytest.raises(ValueError, match="'auto'.*'sum_over_batch_size'"):
        kl.Huber(reduction=word)


@pytest.mark.parametrize(
    ("bad", "match"),
    [
        (lambda: kl.Huber(reduction=np.array([None])), "Huber: `reduction` must be one of"),
        (lambda: kl.Huber(reduction=["sum"]), "Huber: `reduction` must be one of"),
        (lambda: kl.Huber(name=0), "Huber: `name` must be a non-empty string"),
        (lambda: kl.Huber(name=""), "Huber: `name` must be a non-empty string"),
        (lambda: kl.Huber(dtype=False), "Huber: `dtype` must be"),
        (lambda: kl.KerasLoss(keras.losses.MeanSquaredError(), dtype=False), "`dtype` must be"),
        (lambda: kl.KerasLoss(keras.losses.MeanSquaredError(), name=0), "`name` must be"),
        (lambda: kl.Huber(dtype="int32"), "Huber: `dtype` must be"),
        (lambda: kl.LinearWarmup(5, target=float("nan")), "LinearWarmup: `target`"),
        (lambda: float("nan") * (kl.LinearWarmup(5) * kl.Huber()), "must be finite"),
        (lambda: kl.WeightedSum([(lambda step: 1.0, kl.Huber())]), "weight of a loss must be"),
        (lambda: kl.WeightedSum([(True, kl.Huber())]), "weight of a loss must be"),
        (lambda: kl.WeightedSum({}), "`terms` is empty"),
        (lambda: kl.AddLoss(kl.Huber(), weight=float("inf")), "must be finite"),
    ],
)
def test_what_was_accepted_in_silence(bad, match):
    with pytest.raises((TypeError, ValueError), match=match):
        bad()


def test_a_scaled_schedule_checks_what_it_scales():
    from keras_losskit.core.schedules import ScaledSchedule

    for factor in (float("nan"), "2", None):
        with pytest.raises((TypeError, ValueError), match="ScaledSchedule: `factor`"):
            ScaledSchedule([kl.LinearWarmup(3)], factor)
    with pytest.raises(TypeError, match="ScaledSchedule: `schedules`"):
        ScaledSchedule([lambda step: 1.0])


def test_whole_numbers_that_come_as_floats():
    """R sends 8.0 for 8."""
    swept = 0
    for case in CASES:
        for name, value in case.options.items():
            if isinstance(value, int) and not isinstance(value, bool):
                made = case.loss(*case.argument, **{**case.options, name: float(value)})
                assert made == case.make(), f"{case.id}, {name}={float(value)}"
                swept += 1
    assert swept > 10


def test_names_in_logs():
    found = [cls().name for cls in (kl.GIoU, kl.DIoU, kl.CIoU, kl.BoxIoU)]
    assert found == ["giou", "diou", "ciou", "box_iou"]


# --- defaults and bounds -------------------------------------------------------------------

DEFAULTS = json.loads((pathlib.Path(__file__).parents[1] / "defaults.json").read_text())


def defaults_of(name):
    parameters = inspect.signature(getattr(kl, name)).parameters.values()
    return {
        p.name: list(p.default) if isinstance(p.default, tuple) else p.default
        for p in parameters
        if p.default is not p.empty and p.name not in ("reduction", "name", "dtype")
    }


@pytest.mark.parametrize("name", DEFAULTS)
def test_a_default_never_changes_unseen(name):
    """Saved configs and papers' numbers rest on them; a new one is written down in the table."""
    assert defaults_of(name) == DEFAULTS[name]


def test_every_default_is_in_the_table():
    public = [name for name in kl.__all__ if inspect.isclass(getattr(kl, name))]
    assert {name for name in public if defaults_of(name)} <= set(DEFAULTS)


NUMBER = r"-?(?:\d+(?:\.\d+)?(?:e-?\d+)?|π)"
TURNED = {"<": ">", "<=": ">="}


def bounds(text):
    """`{(sign, number)}` that a text tells, as `x > 0`, as `0 < x <= 1` or as `in [0, 1)`."""
    told = {(sign, _value(x)) for sign, x in re.findall(rf"([<>]=?)\s*({NUMBER})", text)}
    told |= {
        (TURNED[sign], _value(x)) for x, sign in re.findall(rf"({NUMBER}) (<=?) [^\W\d]", text)
    }
    for left, low, high, right in re.findall(rf"in ([\[(])({NUMBER}), ({NUMBER})([\])])", text):
        told.add((">=" if left == "[" else ">", _value(low)))
        told.add(("<=" if right == "]" else "<", _value(high)))
    return told


def _value(text):
    return round(math.pi if text == "π" else float(text), 6)


def told_of(cls, option):
    """What the docstring says of an option, there or where it refers to."""
    found = re.search(r"Args:\n(.*?)(?=\n\S|\Z)", inspect.getdoc(cls), re.DOTALL)
    for entry in re.split(r"(?m)^    (?=\S)", found[1]) if found else ():
        names, _, text = entry.partition(": ")
        if option in re.findall(r"\w+", names):
            text = " ".join(text.split())
            other = re.match(r"as in `(\w+)`", text)
            return told_of(getattr(kl, other[1]), option) if other else text
    inherited = [base for base in cls.__mro__[1:] if option in (inspect.getdoc(base) or "")]
    return told_of(inherited[0], option) if inherited else ""


def refused():
    """`(case, option, rule)`: what is said to who gives an option NaN."""
    seen = set()
    for case in CASES:
        for option in sorted(set(case.options) - {o for cls, o in seen if cls is case.loss}):
            seen.add((case.loss, option))
            try:
                case.loss(*case.argument, **{**case.options, option: math.nan})
            except (TypeError, ValueError) as error:
                rule = re.search(
                    rf"`{option}(?:\[0\])?` must be (?:a finite number|an integer)(.*?)\. Received",
                    str(error),
                )
                if rule:
                    yield case.loss, option, rule[1]


REFUSED = [each for each in refused() if each[:2] != (kl.RangeWeightedSquaredError, "high")]


def test_many_options_have_bounds():
    assert len(REFUSED) > 200


@pytest.mark.parametrize(
    ("cls", "option", "rule"), REFUSED, ids=[f"{cls.__name__}-{o}" for cls, o, _ in REFUSED]
)
def test_a_bound_is_where_the_docstring_says(cls, option, rule):
    assert bounds(told_of(cls, option)) == bounds(rule), told_of(cls, option)
