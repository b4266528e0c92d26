"""What a loss made of losses says of its operands."""

import keras_losskit as kl


def test_one_operand_that_gathers_is_enough():
    plain, gathering = kl.SupervisedContrastive(), kl.SupervisedContrastive(gather=True)
    for first, second, gathers in (
        (plain, plain, False), (plain, gathering, True), (gathering, plain, True),
    ):  # fmt: skip
        assert (first + second).gathers is gathers
        assert (first * second).gathers is gathers
        assert second.on(y_pred=0).gathers is second.gathers
