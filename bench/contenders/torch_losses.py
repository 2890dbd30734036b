"""PyTorch's own losses where it has them, otherwise what a user composes of its functions."""

import math

import torch
import torch.nn.functional as F


def reduce(values, reduction):
    return values.mean() if reduction == "mean" else values.sum()


def log_cosh(pred, target, reduction):
    d = pred - target
    return reduce(d + F.softplus(-2 * d) - math.log(2), reduction)


def hinge(pred, target, reduction):
    return reduce(torch.clamp(1 - target * pred, min=0), reduction)


def sigmoid_focal(pred, target, reduction, alpha=0.25, gamma=2):
    """As torchvision.ops.sigmoid_focal_loss."""
    p = torch.sigmoid(pred)
    loss = F.binary_cross_entropy_with_logits(pred, target, reduction="none")
    p_t = p * target + (1 - p) * (1 - target)
    loss = loss * ((1 - p_t) ** gamma)
    return reduce((alpha * target + (1 - alpha) * (1 - target)) * loss, reduction)


def contrastive(x1, x2, label, reduction):
    d = F.pairwise_distance(x1, x2, eps=0)
    return reduce((1 - label) * d**2 + label * torch.clamp(20 - d, min=0) ** 2, reduction)


def giou(pred, target, reduction, eps=1e-7):
    """As torchvision.ops.generalized_box_iou_loss."""
    x1, y1, x2, y2 = pred.unbind(-1)
    u1, v1, u2, v2 = target.unbind(-1)
    inner_x1, inner_y1 = torch.max(x1, u1), torch.max(y1, v1)
    inner_x2, inner_y2 = torch.min(x2, u2), torch.min(y2, v2)
    inter = torch.zeros_like(x1)
    mask = (inner_y2 > inner_y1) & (inner_x2 > inner_x1)
    inter[mask] = (inner_x2[mask] - inner_x1[mask]) * (inner_y2[mask] - inner_y1[mask])
    union = (x2 - x1) * (y2 - y1) + (u2 - u1) * (v2 - v1) - inter
    hull = (torch.max(x2, u2) - torch.min(x1, u1)) * (torch.max(y2, v2) - torch.min(y1, v1))
    return reduce(1 - inter / (union + eps) + (hull - union) / (hull + eps), reduction)


def dice(pred, target, reduction, smooth=1e-6):
    inter = (pred * target).sum(1)
    return reduce(1 - (2 * inter + smooth) / (pred.sum(1) + target.sum(1) + smooth), reduction)


def info_nce(query, key, reduction):
    scores = F.normalize(query) @ F.normalize(key).T / 0.07
    return F.cross_entropy(scores, torch.arange(len(query)), reduction=reduction)


LOSSES = {
    "mse": F.mse_loss,
    "mae": F.l1_loss,
    "huber": F.huber_loss,
    "logCosh": log_cosh,
    "hinge": hinge,
    "bceWithLogits": F.binary_cross_entropy_with_logits,
    "sigmoidFocal": sigmoid_focal,
    "klDiv": F.kl_div,
    "crossEntropy": F.cross_entropy,
    "multilabelSoftMargin": F.multilabel_soft_margin_loss,
    "triplet": lambda a, p, n, reduction: F.triplet_margin_loss(a, p, n, margin=20, reduction=reduction),
    "contrastive": contrastive,
    "giou": giou,
    "dice": dice,
    "infoNce": info_nce,
    "ctc": F.ctc_loss,
}
