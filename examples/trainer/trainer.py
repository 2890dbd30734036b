"""
Trains a classifier in PyTorch on the loss and the gradient that losskit computes in Node.js, over PyTorch's own memory.

    npm run build && python3 examples/trainer/trainer.py

Needs PyTorch with a CUDA device, and losskit with its CUDA library (docs/cuda.md). The two processes work in turns: each
waits for its own work before it lets the other go on.
"""

import torch
from losses import Losses

ROWS, FEATURES, CLASSES, STEPS = 4096, 64, 1000, 50


def main():
    torch.manual_seed(1)
    device = torch.device("cuda:0")
    inputs = torch.randn(ROWS, FEATURES, device=device)
    truth = torch.nn.Linear(FEATURES, CLASSES, device=device)
    labels = truth(inputs).argmax(dim=1)
    model = torch.nn.Linear(FEATURES, CLASSES, device=device)
    optimizer = torch.optim.SGD(model.parameters(), lr=20.0)

    # What both processes see, at the same place in every step.
    logits = torch.empty(ROWS, CLASSES, device=device)
    gradient = torch.empty_like(logits)
    with Losses("crossEntropy", [logits, labels], {"logits": gradient}) as loss:
        for step in range(STEPS):
            scores = model(inputs)
            logits.copy_(scores.detach())
            torch.cuda.synchronize(device)
            value = loss.step()
            optimizer.zero_grad()
            scores.backward(gradient)
            optimizer.step()
            if step % 10 == 0:
                own = torch.nn.functional.cross_entropy(logits, labels).item()
                print(f"step {step:3}  losskit {value:.9f}  PyTorch {own:.9f}")


main()
