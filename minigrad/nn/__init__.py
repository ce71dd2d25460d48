"""Neural networks: activations, initialisers and layers, small enough to read.

    activations     relu, sigmoid, softmax, ...
    initialisers    glorot_uniform, kaiming_normal, ...
    layers          Chain, Dense, Dropout, LayerNorm, BatchNorm, Embedding, flatten
    convolution     Conv, MaxPool
    recurrent       RNN, LSTM, GRU
    flat            destructure: a model as one vector
    precision       f32, f64: a model in another precision
    printing        how layers are shown

Arrays are batch first and features last: (batch, ..., features).
"""

# fmt: off
from ..hints import chapter
from .activations import (
    elu,
    gelu,
    identity,
    leakyrelu,
    logsoftmax,
    logsumexp,
    relu,
    sigmoid,
    softmax,
    softplus,
    swish,
    tanh,
)
from .convolution import Conv, MaxPool, conv, maxpool
from .flat import destructure
from .initialisers import glorot_normal, glorot_uniform, kaiming_normal, kaiming_uniform
from .layers import (
    BatchNorm,
    Chain,
    Dense,
    Dropout,
    Embedding,
    LayerNorm,
    flatten,
    normalise,
    testmode_,
    trainmode_,
)
from .precision import f32, f64
from .recurrent import GRU, LSTM, RNN

__all__ = [
    "BatchNorm", "Chain", "Conv", "Dense", "Dropout", "Embedding", "GRU", "LSTM", "LayerNorm", "MaxPool", "RNN",
    "conv", "destructure", "elu", "f32", "f64", "flatten", "gelu", "glorot_normal", "glorot_uniform", "identity",
    "kaiming_normal", "kaiming_uniform", "leakyrelu", "logsoftmax", "logsumexp", "maxpool", "normalise",
    "relu", "sigmoid", "softmax", "softplus", "swish", "tanh", "testmode_", "trainmode_",
]
# fmt: on

chapter(__name__)
