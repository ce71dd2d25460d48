"""The first section of Flux's manual on training, word for word but for Python's grammar."""

# ruff: noqa: F403, F405
from minigrad import *
W = rand(2, 5)
b = rand(2)
def predict(x): return (W @ x) + b
def loss(x, y): return sum((predict(x) - y)**2)
x, y = rand(5), rand(2)          # dummy data
l = loss(x, y)                   # ~ 3
θ = params(W, b)
grads = gradient(lambda: loss(x, y), θ)

η = 0.1
for p in (W, b):
    update_(p, η * grads[p])

opt = Descent(0.1)
for p in (W, b):
    update_(opt, p, grads[p])

print(f"The loss was {float(l):.3f} and is {float(loss(x, y)):.3f} after two steps.")
