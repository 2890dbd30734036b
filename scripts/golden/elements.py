"""Cases of losses with one value for each element."""

from case import Case, floats


def element_case(name, formula, xs, ts, options, shape=None, grads=("pred",), names=("pred", "target")):
    """formula(x, t) gives the values; ts may be a tensor of whole numbers."""
    x = floats(xs, shape)
    t = ts if not isinstance(ts, list) else floats(ts, shape)
    first, second = names
    return Case(
        name, {first: x, second: t}, options,
        lambda **given: formula(given[first], given[second].to(given[first].dtype)),
        grads=grads,
    )
