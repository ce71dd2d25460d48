"""What all optimisers have in common, with a formula or without: forgetting, freezing, averages in place."""

import contextlib
import weakref
from collections.abc import Iterator
from typing import Any

from .. import habits
from ..fields import Checked
from ..hints import meets
from ..iddict import IdDict
from .arrays import parameters_in
from .swapping import InPlace, averages

routes = weakref.WeakSet()  # the ways of gradients that are prepared, see route.py


@meets(habits.OPTIMISER)
class AbstractOptimiser(Checked):
    """The parent of all optimisers here; a parent for yours if you like, but none is needed.

    A class of your own takes part by a method registered on ``apply_``; from here it inherits
    ``reset_`` and the checking of whatever it annotates with a check (see fields.py).

    >>> class Mine(AbstractOptimiser):
    ...     eta = 0.5
    >>> isinstance(Mine(), AbstractOptimiser)
    True
    """

    _structure = ()  # names of attributes that are how it was built, or worked out anew: not saved
    _plans = None  # the way of gradients through it, see route.py
    _frozen = None  # IdDict of the parameters that it leaves alone
    _compiled = None  # the last step that train_ has compiled with it

    def stages(self) -> list:
        """Return the rules that make the step, one after the other, for those who write them out."""
        raise TypeError(
            f"{type(self).__name__}: its step is no formula, so it cannot be written out; that of a rule made with "
            "@rule can"
        )

    def reset_(self) -> None:
        """Forget the state of every parameter, as if no step had been made; hyperparameters stay.

        >>> import numpy as np
        >>> from minigrad.optimise import Momentum, update_
        >>> opt, x = Momentum(), np.ones(2)
        >>> update_(opt, x, np.ones(2)); len(opt.velocity)
        1
        >>> opt.reset_(); len(opt.velocity)
        0
        """
        for name, value in vars(self).items():
            if isinstance(value, IdDict) and name != "_frozen":
                value.clear()
        for o in self._inside().values():
            getattr(o, "reset_", lambda: None)()
        self._plans = None

    def freeze_(self, ps: Any) -> None:
        """Leave parameters alone from now on, as if they had no gradient; their state stays as it is.

        Parameters
        ----------
        ps : Params, a model, a Tensor or an array, or a list of these

        Freezing is saved with the state, outlives ``reset_``, and holds in every composition.  The gradient is still
        computed: to save that as well, leave the parameter out of the ``params`` that are differentiated.

        Raises TypeError for what holds no parameter.

        >>> import numpy as np
        >>> from minigrad.optimise import Momentum, update_
        >>> opt, W, b = Momentum(), np.zeros(2), np.zeros(1)
        >>> opt.freeze_(W); update_(opt, [W, b], [np.ones(2), np.ones(1)]); W, b
        (array([0., 0.]), array([-0.01]))
        >>> opt.thaw_(W); update_(opt, W, np.ones(2)); W
        array([-0.01, -0.01])
        """
        found = [p for _, p in parameters_in(ps, "freeze_")]
        if self._frozen is None:
            self._frozen = IdDict()
        for p in found:
            self._frozen[p] = True
        look_anew()

    @contextlib.contextmanager
    def averaged(self, ps: Any) -> Iterator[None]:
        """A context in which averages stand in the place of the parameters, which come back bit for bit at its end.

        Parameters
        ----------
        ps : Params, a model, a Tensor or an array, or a list of these.  Those that were never updated stay as they are

        The averages are those of ``EMA``, ``SWA`` or ``ScheduleFree`` in this optimiser; of several in one composition
        the last one's.  Within, ``update_`` of these parameters is an error, and a checkpoint says so.
        After an exception, too, the parameters come back.

        Raises TypeError if nothing in the optimiser averages; RuntimeError within itself.

        >>> import numpy as np
        >>> from minigrad.optimise import EMA, Descent, Optimiser, update_
        >>> opt, W = Optimiser(Descent(1.0), EMA(0.5)), np.zeros(2)
        >>> for _ in range(2): update_(opt, W, np.ones(2))
        >>> with opt.averaged(W): print(W)
        [-1.5 -1.5]
        >>> W
        array([-2., -2.])
        """
        pairs = averages(self, [p for _, p in parameters_in(ps, "averaged")])
        try:
            with InPlace(pairs):
                look_anew()
                yield
        finally:
            look_anew()

    def refuse_frozen(self) -> None:
        """Raise where a step that is written out would move what is frozen."""
        if self._frozen:
            raise TypeError(f"{type(self).__name__}: some parameters are frozen, which no text of a step would say")

    def thaw_(self, ps: Any = None) -> None:
        """Move frozen parameters again, with the state that they had; all of them if none are given.

        >>> import numpy as np
        >>> from minigrad.optimise import Descent, update_
        >>> opt, W = Descent(), np.zeros(2)
        >>> opt.freeze_(W); opt.thaw_(); update_(opt, W, np.ones(2)); W
        array([-0.1, -0.1])
        """
        for p in self._frozen or () if ps is None else [p for _, p in parameters_in(ps, "thaw_")]:
            (self._frozen or IdDict()).pop(p, None)
        look_anew()

    def _inside(self):
        """Return a dict from names to whatever else in here has a state of its own."""
        return {}

    def __getstate__(self):
        return {name: value for name, value in vars(self).items() if name not in ("_plans", "_compiled")}

    def __setstate__(self, state):
        vars(self).update(state)


def look_anew():
    """Let every optimiser find out anew what its parameters pass."""
    for route in list(routes):
        route.forget()
