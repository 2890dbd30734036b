"""A golden case: the inputs and options of one call, and what float64 autograd gives for it."""

import math

import torch

IGNORED = -100


class Tensor:
    """Numbers with a shape, as they stand in the file: floats that are float32 numbers too, or whole numbers."""

    def __init__(self, data, shape=None, dtype="float"):
        self.data = list(data)
        self.shape = (len(self.data),) if shape is None else tuple(shape)
        self.dtype = dtype
        assert len(self.data) == math.prod(self.shape)
        if dtype == "float":
            kept = torch.tensor(self.data, dtype=torch.float64)
            assert torch.equal(kept.float().double().nan_to_num(), kept.nan_to_num()), "not exact in float32"

    def torch(self):
        kind = torch.float64 if self.dtype == "float" else torch.int64
        return torch.tensor(self.data, dtype=kind).reshape(self.shape)


def floats(data, shape=None):
    return Tensor(data, shape)


def ints(data, shape=None):
    return Tensor(data, shape, "int")


class Case:
    """
    One call of a loss.

    samples  from the inputs, by name, to the values of the samples; None where only the mean exists
    mean     from the inputs to the mean; without it the values add up and are divided by their number
    grads    the inputs, or tensors among the options, that have a gradient
    more     further reductions by name, as mean
    """

    weighs_classes = False
    precise = False

    def __init__(self, name, inputs, options, samples, mean=None, grads=(), more=None):
        self.name, self.inputs, self.options, self.grads = name, inputs, options, tuple(grads)
        self.samples = self._weighted(samples) if samples is not None else None
        self.mean, self.more = mean, more or {}

    def _weighted(self, samples):
        """The option "weight" of a sample is a factor of its value, and is spread over the leading dimensions."""
        weight = self.options.get("weight")
        if weight is None or self.weighs_classes:
            return samples

        def weighted(**tensors):
            values = samples(**tensors)
            w = option(weight)
            return values * (w.reshape(values.shape) if w.numel() == values.numel() else w)

        return weighted

    def precisely(self):
        """Says that the formula keeps all digits of small results: they are compared however small they are."""
        self.precise = True
        return self

    def tensors(self):
        given = {name: tensor.torch() for name, tensor in self.inputs.items()}
        given |= {name: option(self.options[name]) for name in self.grads if name not in given}
        return given

    def total(self, **tensors):
        return total(self.samples(**tensors))

    def mean_of(self, **tensors):
        divisor = self.options.get("divisor")
        if divisor is not None:
            return self.total(**tensors) / divisor
        if self.mean is not None:
            return self.mean(**tensors)
        return mean(self.samples(**tensors))

    def differentiate(self, reduce):
        tensors = self.tensors()
        for name in self.grads:
            tensors[name].requires_grad_(True)
        value = reduce(**tensors)
        if self.grads:
            value.backward(torch.tensor(float(self.options.get("upstream", 1)), dtype=torch.float64))
        grads = {name: tensors[name].grad for name in self.grads}
        return {
            "value": encode(value.item()),
            "grad": {
                name: encode_all((torch.zeros_like(tensors[name]) if grad is None else grad).flatten().tolist())
                for name, grad in grads.items()
            },
        }

    def record(self):
        values = None if self.samples is None else self.samples(**self.tensors())
        reductions = {} if self.samples is None else {"sum": self.total}
        reductions |= {"mean": self.mean_of, **self.more}
        return {
            "name": self.name,
            **({"precise": True} if self.precise else {}),
            "inputs": [{"name": name, "dtype": t.dtype, **encode_tensor(t)} for name, t in self.inputs.items()],
            "options": {name: encode_option(value) for name, value in self.options.items()},
            "none": encode_values(values),
            "sum": None,
            **{name: self.differentiate(reduce) for name, reduce in reductions.items()},
        }


class ClassCase(Case):
    """A case whose option "weight" is one of classes, which its own function applies."""

    weighs_classes = True


def total(values):
    """The sum of the values; of each kind of sample where there are several."""
    return sum(v.sum() for v in values.values()) if isinstance(values, dict) else values.sum()


def mean(values):
    """The mean of the values; the sum of the means where there are several kinds of samples."""
    return sum(v.mean() for v in values.values()) if isinstance(values, dict) else values.mean()


def option(value):
    """A tensor among the options, as PyTorch takes it."""
    return value.torch() if isinstance(value, Tensor) else torch.tensor(value, dtype=torch.float64)


def grid(rng, low, high, step):
    """A multiple of step, a power of two: exact in float32, and short in the file."""
    return rng.randrange(round(low / step), round(high / step) + 1) * step


def grids(rng, count, low, high, step):
    return [grid(rng, low, high, step) for _ in range(count)]


def log_probabilities(tensor, axis):
    """Of logits, on a grid: short in the file, and so they add up to 1 only nearly."""
    return (torch.log_softmax(tensor, dim=axis) * 2**10).round().div(2**10).flatten().tolist()


def softplus(x):
    """log(1 + exp(x)) without a threshold: PyTorch's own is the identity beyond 20."""
    return -torch.nn.functional.logsigmoid(-x)


def encode(number):
    number = float(number)
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    return int(number) if number == int(number) and abs(number) < 2**53 else number


def encode_all(numbers):
    return [encode(number) for number in numbers]


def encode_tensor(tensor):
    return {"shape": list(tensor.shape), "data": encode_all(tensor.data)}


def encode_option(value):
    if isinstance(value, (bool, str)):
        return value
    if isinstance(value, Tensor):
        return encode_tensor(value)
    return encode_all(value) if isinstance(value, list) else encode(value)


def encode_values(values):
    if values is None:
        return None
    if isinstance(values, dict):
        return {name: encode_values(of) for name, of in values.items()}
    return encode_all(values.flatten().tolist())
