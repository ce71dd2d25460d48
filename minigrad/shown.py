"""That notebooks show an object as a table or a curve; ``notebook``, loaded when needed, knows how they do."""


# Eight colours that the colour-blind tell apart too: Okabe and Ito, 2008.
COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#b8a800"]


class Shown:
    """A class whose objects notebooks show in a way of their own; their text stays what it is.

    >>> class Thing(Shown):
    ...     pass
    >>> Thing()._repr_html_() is None  # nothing is known of things
    True
    """

    __slots__ = ()
    _html_of = staticmethod(lambda x: None)  # the package puts that of ``notebook`` here, which knows all that is shown

    def _repr_html_(self):
        return Shown._html_of(self)
