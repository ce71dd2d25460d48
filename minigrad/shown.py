"""That notebooks show an object as a table or a curve; how they do stands in ``notebook``, loaded when needed."""

import importlib


class Shown:
    """A class whose objects notebooks show in a way of their own; their text stays what it is.

    >>> class Thing(Shown):
    ...     pass
    >>> Thing()._repr_html_() is None  # nothing is known of things
    True
    """

    __slots__ = ()

    def _repr_html_(self):
        return importlib.import_module(".notebook", __package__).html_of(self)
