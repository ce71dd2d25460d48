"""A model as one flat vector, and back."""

import numpy as np

from ..calculus.vectors import cut
from ..core.params import Params, params
from ..core.tensor import Tensor
from ..core.trees import leaves, rebuild


def destructure(model):
    """Return the parameters of a model as one vector, and the function that makes a model of a vector.

        flat, restructure = destructure(model);   restructure(flat)(x) == model(x)

    Parameters
    ----------
    model : layer, dataclass, or nested containers of them and of Tensors; n numbers in all

    Returns
    -------
    flat : Tensor of shape (n,), a copy: the parameters in the order of ``params(model)``, each row by row
    restructure : function of a vector of length n; returns a model like the given one whose parameters
        are made from the vector, and so depend on it: its gradient can be taken

    Raises
    ------
    TypeError : if there is no parameter, or one inside an object that is no dataclass
    ValueError (from ``restructure``) : for a vector of another length

    Differs from Flux: row by row, where Julia goes column by column.

    Source: Flux 0.13 ``destructure``.

    >>> flat, restructure = destructure({"W": Tensor([[1.0, 2.0]]), "b": Tensor([3.0])})
    >>> flat
    Tensor([1., 2., 3.])
    >>> restructure(2 * flat)["W"]
    Tensor([[2., 4.]])
    """
    everything = leaves(model)
    ps = Params(x for x in everything if type(x) is Tensor and x.dtype.kind in "fc")
    if not ps.issetequal(params(model)):
        raise TypeError(
            "destructure: a parameter of the model is inside an object that is neither a list, tuple or dict "
            "nor a dataclass, so that no second one can be made; decorate its class with @dataclass"
        )
    total, shapes = sum(p.size for p in ps), [p.shape for p in ps]

    def restructure(flat):
        if flat.shape != (total,):
            raise ValueError(f"restructure: the model has {total} numbers; got shape {flat.shape}")
        pieces = cut(flat if type(flat) is Tensor else Tensor(flat), shapes)
        made = {id(p): piece for p, piece in zip(ps, pieces)}
        return rebuild(model, iter([made.get(id(x), x) for x in everything]))

    return Tensor(np.concatenate([p.data.ravel() for p in ps])), restructure
