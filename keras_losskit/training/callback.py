"""`KitCallback`: a callback that can be copied and pickled after it was used."""

import keras


class KitCallback(keras.callbacks.Callback):
    """Base of the kit's callbacks.

    What belongs to the model of a run, named in `of_a_run` with what makes it anew,
    stays behind where a callback is copied or pickled.
    """

    of_a_run = {}

    def __init__(self):
        super().__init__()
        self._begin_anew()

    def _begin_anew(self):
        self._model, self.params = None, None
        for cls in reversed(type(self).__mro__):
            for name, make in vars(cls).get("of_a_run", {}).items():
                setattr(self, name, make())

    def __getstate__(self):
        left = {"_model", "params", "validation_data"}
        for cls in type(self).__mro__:
            left |= set(vars(cls).get("of_a_run", {}))
        return {name: value for name, value in vars(self).items() if name not in left}

    def __setstate__(self, state):
        self._begin_anew()
        vars(self).update(state)
