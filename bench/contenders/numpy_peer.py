"""NumPy: the formulas as whole-array expressions; gradients of the losses that have short ones."""

import numpy as np

from peer_loop import Lacks, serve

TYPES = {"float32": np.float32, "float64": np.float64}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def huber(a, b):
    d = np.abs(a - b)
    return np.mean(np.where(d < 1, 0.5 * d**2, d - 0.5))


def bce(x, t):
    return np.mean(np.maximum(x, 0) - x * t + np.log1p(np.exp(-np.abs(x))))


def sigmoid_focal(x, t):
    p = sigmoid(x)
    loss = np.maximum(x, 0) - x * t + np.log1p(np.exp(-np.abs(x)))
    wrong = p + t - 2 * p * t
    return np.mean((0.25 * t + 0.75 * (1 - t)) * wrong**2 * loss)


def log_cosh(a, b):
    d = np.abs(a - b)
    return np.mean(d + np.log1p(np.exp(-2 * d)) - np.log(2).astype(d.dtype))


def log_softmax(x):
    shifted = x - np.max(x, axis=1, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))


def cross_entropy(x, t):
    return -np.mean(log_softmax(x)[np.arange(len(t)), t])


def cross_entropy_grad(x, t):
    log_p = log_softmax(x)
    rows = np.arange(len(t))
    value = -np.mean(log_p[rows, t])
    grad = np.exp(log_p)
    grad[rows, t] -= 1
    return value, grad / len(t)


def mse_grad(a, b):
    d = a - b
    return np.mean(d**2), 2 * d / d.size


def mae_grad(a, b):
    d = a - b
    return np.mean(np.abs(d)), np.sign(d) / d.size


def hinge_grad(x, t):
    m = 1 - t * x
    return np.mean(np.maximum(m, 0)), np.where(m > 0, -t, 0) / m.size


def bce_grad(x, t):
    return bce(x, t), (sigmoid(x) - t) / x.size


def triplet(a, p, n):
    near = np.sqrt(np.sum((a - p + 1e-6) ** 2, axis=1))
    far = np.sqrt(np.sum((a - n + 1e-6) ** 2, axis=1))
    return np.mean(np.maximum(0, 20 + near - far))


def contrastive(a, b, y):
    d = np.sqrt(np.sum((a - b) ** 2, axis=1))
    return np.mean((1 - y) * d**2 + y * np.maximum(0, 20 - d) ** 2)


def dice(p, t):
    inter = np.sum(p * t, axis=1)
    return np.mean(1 - (2 * inter + 1e-6) / (np.sum(p, axis=1) + np.sum(t, axis=1) + 1e-6))


def giou(p, t):
    lower, upper = np.maximum(p[:, :2], t[:, :2]), np.minimum(p[:, 2:], t[:, 2:])
    inter = np.prod(np.maximum(upper - lower, 0), axis=1)
    union = np.prod(p[:, 2:] - p[:, :2], axis=1) + np.prod(t[:, 2:] - t[:, :2], axis=1) - inter
    hull = np.prod(np.maximum(p[:, 2:], t[:, 2:]) - np.minimum(p[:, :2], t[:, :2]), axis=1)
    return np.mean(1 - inter / (union + 1e-7) + (hull - union) / (hull + 1e-7))


def info_nce(q, k):
    q = q / np.linalg.norm(q, axis=1, keepdims=True)
    k = k / np.linalg.norm(k, axis=1, keepdims=True)
    return -np.mean(np.diagonal(log_softmax(q @ k.T / 0.07)))


VALUES = {
    "mse": lambda a, b: np.mean((a - b) ** 2),
    "mae": lambda a, b: np.mean(np.abs(a - b)),
    "huber": huber,
    "logCosh": log_cosh,
    "hinge": lambda x, t: np.mean(np.maximum(0, 1 - t * x)),
    "bceWithLogits": bce,
    "sigmoidFocal": sigmoid_focal,
    "klDiv": lambda x, t: np.mean(np.where(t > 0, t * (np.log(np.maximum(t, 1e-30)) - x), 0)),
    "crossEntropy": cross_entropy,
    "multilabelSoftMargin": bce,
    "triplet": triplet,
    "contrastive": contrastive,
    "giou": giou,
    "dice": dice,
    "infoNce": info_nce,
}
VALUES_AND_GRADIENTS = {
    "mse": mse_grad,
    "mae": mae_grad,
    "hinge": hinge_grad,
    "bceWithLogits": bce_grad,
    "crossEntropy": cross_entropy_grad,
}


def prepare(request):
    name, dtype, shapes, gradients = (request[key] for key in ("loss", "dtype", "shapes", "gradients"))
    table = VALUES_AND_GRADIENTS if gradients else VALUES
    if name not in table:
        raise Lacks(f"{name}{' with its gradient' if gradients else ''}")
    if dtype not in TYPES:
        raise Lacks(dtype)
    function = table[name]

    def read(key, path):
        labels = (name, key) == ("crossEntropy", "target")
        return np.fromfile(path, np.int32 if labels else TYPES[dtype]).reshape(shapes[key])

    sets = [[read(key, path) for key, path in files.items()] for files in request["files"]]
    last = {}

    def call(index):
        result = function(*sets[index])
        if not gradients:
            return float(result)
        value, last["grad"] = result
        return float(value)

    def write(folder):
        if gradients:
            last.pop("grad").tofile(f"{folder}/grad-{gradients[0]}")

    return call, len(sets), write


serve({"version": np.__version__}, prepare)
