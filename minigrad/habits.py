"""What other libraries call it, and how it is done here: one table for each place where a name is looked for.

``hints`` reads them: a name that is looked for in vain is answered with the text that stands beside it.  The texts
say what to write.  Where nothing but a letter's case, an underscore or the module differs, no line is needed here.
"""


def each(names, text):
    """Return a table in which every one of the names has the same text, ``{}`` standing for the name."""
    return {name: text.format(name) for name in names.split()}


# ---------------------------------------------------------------------------------------- attributes of objects
TENSOR = {
    "backward": "gradients are not stored, they are returned: grads = gradient(lambda: loss(x, y), params(W, b)), "
    "where the loss is computed inside the function",
    "grad": "gradients are returned: grads = gradient(lambda: loss(x, y), params(W, b)), then grads[W]",
    **each(
        "requires_grad requires_grad_ retain_grad is_leaf grad_fn trainable",
        "what is differentiated is said when it is: gradient(lambda: loss(x, y), params(W, b)) is with respect to "
        "W and b",
    ),
    "register_hook": "minigrad.hook(f, t), used in the place of t in the loss, calls f with the gradient of t",
    "detach": "inside a gradient minigrad.dropgrad(t) is a constant; elsewhere t.data is the plain ndarray",
    "numpy": "t.data is the live ndarray, np.array(t) a copy",
    "at": "t[i] = x overwrites outside of a gradient; inside, np.where(mask, x, t) or a minigrad.Buffer",
    "block_until_ready": "there is nothing to wait for: an operation is done when it returns",
    "to": "t.astype(np.float32) changes the dtype; arrays live in the memory of the CPU",
    **each("cpu cuda", "arrays live in the memory of the CPU; there is nothing to move"),
    **each("float half double int long bool type", "t.astype(np.float32) changes the dtype, to that or any other"),
    # shapes
    **each("view view_as", "t.reshape(2, -1) gives the numbers another shape"),
    "permute": "t.transpose(2, 0, 1) reorders the axes",
    "unsqueeze": "t[:, None] or np.expand_dims(t, axis) adds an axis",
    "t": "t.T is the transpose",
    "expand": "np.broadcast_to(t, shape); operators broadcast by themselves",
    "contiguous": "the layout in memory takes care of itself; use t as it is",
    "numel": "t.size is how many numbers it holds",
    "dim": "t.ndim is how many axes it has",
    "resize": "np.resize(t, shape) and np.reshape(t, shape) return a new array",
    # functions
    **each(
        "abs arccos arcsin arctan arctan2 ceil cos cosh cross diff exp exp2 expm1 floor hypot log log10 log1p log2 "
        "logaddexp maximum median minimum outer reciprocal sign sin sinh sqrt square tan tanh tile trunc tril triu",
        "NumPy's functions take Tensors: np.{}(t)",
    ),
    **{name: f"NumPy's functions take Tensors: np.arc{name[1:]}(t)" for name in ("acos", "asin", "atan", "atan2")},
    **each("mm bmm matmul", "t @ u is the product of matrices"),
    "pow": "t ** 2, or np.power(t, u)",
    **each("add sub mul div", "operators: t + u, t - u, t * u, t / u"),
    "norm": "np.linalg.norm(t)",
    **each("inverse det logdet", "np.linalg has inv, det, slogdet, solve and their like, which take Tensors"),
    **each("clamp clip_", "t.clip(low, high), or np.clip(t, low, high)"),
    "clone": "t.copy(), which is recorded; inside a gradient it may be left out, since nothing is overwritten there",
    **each("relu sigmoid softmax", "minigrad.nn.{}(t)"),
    "log_softmax": "minigrad.nn.logsoftmax(t)",
    "logsumexp": "minigrad.nn.logsumexp(t)",
    "gather": "np.take_along_axis(t, indices, axis)",
    "index_select": "t.take(indices, axis), or t[indices]",
    "masked_fill": "np.where(mask, x, t)",
    "topk": "np.argsort(t)[::-1][:k] are the places of the k largest numbers, t[places] the numbers",
    **each("chunk split", "np.split(t, n, axis)"),
    "flip": "np.flip(t, axis)",
    "partition": "np.partition(t, kth) returns a copy",
    # what overwrites
    **each(
        "zero_ fill_ copy_ assign masked_fill_ clamp_ scatter_ index_put_ normal_ uniform_",
        "t[...] = x overwrites a Tensor outside of a gradient; inside, np.where(mask, x, t) or a minigrad.Buffer",
    ),
    **each(
        "add_ sub_ mul_ div_ assign_add assign_sub",
        "t[...] = t + x overwrites a Tensor outside of a gradient; a step of training is update_(opt, ps, grads)",
    ),
    "put": "np.where(mask, x, t) returns a new array; outside of a gradient t[i] = x overwrites",
}

_RATE = "the learning rate is eta here: ADAM(eta=0.001), opt.eta = 0.001"
_DECAY = (
    "Optimiser(WeightDecay(1e-4), Descent(0.1)) adds to the gradient, ADAMW(0.001, decay=0.01, couple=True) is "
    "torch's and optax's AdamW"
)

# What hyperparameters are called: looked for as keywords and as attributes.
HYPERPARAMETERS = {
    **each("lr learning_rate rate alpha", _RATE),
    **each("betas b1 b2 beta1 beta2 beta_1 beta_2", "it is beta here, two numbers: ADAM(beta=(0.9, 0.999))"),
    **each("eps epsilon_", "it is epsilon here: ADAM(epsilon=1e-8)"),
    **each("weight_decay wd decay_rate", _DECAY),
    "momentum": "Momentum(eta, rho) and Nesterov(eta, rho) have a momentum, rho",
    "nesterov": "Nesterov(eta, rho) is an optimiser of its own",
    "amsgrad": "AMSGrad(eta) is an optimiser of its own",
    "maximize": "give the gradient of the negative: gradient(lambda: -gain(x), ps)",
    **each("clipnorm clipvalue global_clipnorm", "Optimiser(ClipNorm(1.0), ADAM()) clips before the step; ClipValue"),
    **{letter: f"{name} here, of the rules that have one" for letter, name in {
        "η": "eta", "β": "beta", "ρ": "rho", "ε": "epsilon", "ϵ": "epsilon", "λ": "wd", "γ": "gamma"}.items()},
}

OPTIMISER = {
    **HYPERPARAMETERS,
    "step": "update_(opt, ps, grads) makes one, with grads = gradient(lambda: loss(x, y), ps)",
    **each("update apply_gradients apply", "update_(opt, ps, grads) makes a step: it overwrites the parameters"),
    "minimize": "train_(loss, ps, data, opt), or a loop with update_(opt, ps, gradient(lambda: loss(x, y), ps))",
    "zero_grad": "every gradient(...) returns new gradients, so there is nothing to set to zero",
    **each(
        "param_groups add_param_group",
        "opt.eta = 0.1 sets a rate; Groups((ps_a, ADAM(0.1)), otherwise=ADAM()) has one for each group of parameters",
    ),
    **each("init build", "nothing is to be prepared: the state of a parameter is made with its first step"),
    "state_dict": "minigrad.state_dict(opt, ps) is a dict of arrays; minigrad.checkpoint.save writes a file",
    "load_state_dict": "minigrad.load_state_(opt, ps, saved), or minigrad.checkpoint.load_(path, model=model, opt=opt)",
}

MODEL = {
    "parameters": "params(model) collects the parameters of a model, of any kind",
    **each("named_parameters named_modules", "named_params(model) is a dict from places to the parameters there"),
    **each("trainable_variables trainable_weights weights", "params(model) collects the parameters of a model"),
    "forward": "a layer is called: model(x)",
    **each("apply predict", "a layer is called: model(x)"),
    "init": "a layer has its parameters from the beginning: Dense(2, 3)",
    "train": "trainmode_(model), of minigrad.nn",
    "eval": "testmode_(model), of minigrad.nn",
    **each("fit compile", "train_(loss, params(model), data, ADAM()), with loss = lambda x, y: mse(model(x), y)"),
    "evaluate": "the loss is a function: mse(model(x), y)",
    "summary": "print(model) shows the layers and how many parameters they have",
    **each("append add extend add_module insert", "a Chain of more layers is made: Chain(*model, layer)"),
    **each("children modules", "a Chain is gone through by for layer in model; model[0] is its first layer"),
    "weight": "the weight of a layer is W (Wi and Wh in recurrent ones), as in model[0].W",
    "bias": "the bias of a layer is b, as in model[0].b",
    "state_dict": "named_params(model) is a dict of the parameters; minigrad.checkpoint.save(path, model=model) "
    "writes a file",
    **each("load_state_dict load_weights set_weights", "minigrad.checkpoint.load_(path, model=model) overwrites it"),
    **each("save save_weights", "minigrad.checkpoint.save(path, model=model) writes a file that ends in .npz"),
    "get_weights": "named_params(model) is a dict of the parameters",
    **each("to float half double", "nn.f32(model), nn.f64(model) and Chain(..., dtype=np.float32) have a precision"),
    **each("cpu cuda", "arrays live in the memory of the CPU; there is nothing to move"),
    "zero_grad": "every gradient(...) returns new gradients, so there is nothing to set to zero",
    "requires_grad_": "what is not to be trained is left out: ps = params(model), ps.delete_(model[0].W)",
}

# ------------------------------------------------------------------------------------------ names of modules
_SCHEDULE = "schedules are functions of the step: opt = Scheduler(ADAM(), eta=minigrad.{})"
_NO_GRAD = "only gradient(...) records; inside it, dropgrad(t) and ignore(f) are constants"
_ACTIVATION = "activations are functions, minigrad.nn.{}: Chain(Dense(2, 3, {}), Dense(3, 1))"


def activations(**functions):
    return {name: _ACTIVATION.format(function, function) for name, function in functions.items()}


MINIGRAD = {
    "grad": "gradient(f, x) returns the gradients at x; as a function of x it is lambda x: gradient(f, x)[0]",
    "value_and_grad": "value, grads = withgradient(f, x)",
    "withgrad": "value, grads = withgradient(f, x)",
    "vjp": "y, back = pullback(f, x)",
    **each("jacrev jacfwd withjacobian jacobian_reverse", "jacobian(f, x)"),
    **each("hessian_reverse hessian_vector_product", "hessian(f, x), and hvp(f, x, v) for its product with v"),
    "backward": TENSOR["backward"],
    "GradientTape": "the loss is a function: grads = gradient(lambda: loss(x, y), params(W, b))",
    "autograd": "gradient, pullback, jacobian and hessian stand in minigrad itself; @adjoint is a derivative of yours",
    **each("custom_vjp custom_jvp custom_gradient Function", "@adjoint above a function that returns y, lambda g: ..."),
    **each("no_grad enable_grad set_grad_enabled inference_mode", _NO_GRAD),
    **each("stop_gradient detach", "dropgrad(t)"),
    "ignore_derivatives": "ignore(f), or dropgrad(t)",
    **each("jit compile", "nothing needs compiling by hand; optimisers compile their steps themselves"),
    **each("vmap pmap", "write the function for a batch; NumPy broadcasts"),
    **each("Parameter Variable as_tensor", "Tensor(x) is a parameter"),
    "tensor": "Tensor([1.0, 2.0]) makes a parameter; whatever is not to be learnt is an array of NumPy",
    "from_numpy": "Tensor(a, copy=False) shares the memory of an ndarray, Tensor(a) copies it",
    "is_tensor": "isinstance(t, Tensor)",
    "cat": "np.concatenate([t, u]), or array([...]) of numbers and Tensors",
    **each("mm bmm", "t @ u is the product of matrices"),
    "clamp": "np.clip(t, low, high)",
    **each("float16 float32 float64 bfloat16", "dtypes are NumPy's: zeros(3, dtype=np.float32)"),
    **each("device cuda to", "arrays live in the memory of the CPU; there is nothing to move"),
    **each("manual_seed PRNGKey set_seed", "seed(0), or rng=np.random.default_rng(0) where random numbers are made"),
    "random": "rand, randn, seed; minigrad.sampling has samples with a gradient",
    "numpy": "it is NumPy itself: import numpy as np; its functions take Tensors",
    **each("optim optimizers optimisers Optimise Optimisers",
           "optimisers stand in minigrad itself, as in minigrad.ADAM()"),
    **each("Flux Zygote", "its names stand in minigrad itself: minigrad.gradient, minigrad.ADAM()"),
    **each("SGD GradientDescent sgd", "Descent(eta), or Momentum(eta, rho); TorchSGD has dampening, too"),
    **each("OptimiserChain chain", "Optimiser(a, b), of optimisers; nn.Chain(a, b), of layers"),
    "apply_updates": "update_(opt, ps, grads) overwrites the parameters",
    "setup": "nothing is to be prepared: update_(opt, ps, grads) makes the state of a parameter with its first step",
    "LBFGS": "bridge = as_scipy(f, ps), then "
    "scipy.optimize.minimize(bridge.fun, bridge.x0, jac=bridge.jac, method='L-BFGS-B')",
    **each("multi_transform partition masked param_groups",
           "Groups((ps_a, rule), otherwise=another); Groups.by_name goes by the names in a model"),
    "clip_grad_norm_": "Optimiser(ClipGlobalNorm(1.0), ADAM()) clips before the step",
    **each("clip_grad_norm clip_by_global_norm", "Optimiser(ClipGlobalNorm(1.0), ADAM()) clips before the step"),
    **each("clip_grad_value_ clip_grad_value", "Optimiser(ClipValue(1.0), ADAM()) clips before the step"),
    "named_parameters": "named_params(model) is a dict from places to the parameters there",
    "parameters": "params(model)",
    **each("set_detect_anomaly debug_nans", "train_ names the first operation that gave NaN or infinity"),
    **each("fit Trainer trainer", "train_(loss, params(model), data, ADAM())"),
    "trainstep": "train_step_(loss, ps, datum, opt)",
    "EarlyStopping": "early_stopping(f, patience), as a callback of train_",
    **each("LambdaLR lr_scheduler",
           "opt = Scheduler(ADAM(), eta=schedule), where any function of the step is a schedule"),
    "StepLR": _SCHEDULE.format("Step(0.1, 0.5, 30)"),
    "MultiStepLR": _SCHEDULE.format("Step(0.1, 0.5, [30, 50])"),
    "ExponentialLR": _SCHEDULE.format("Exp(0.1, 0.99)"),
    "CosineAnnealingLR": _SCHEDULE.format("Cos(0.1, 0.001, 100)"),
    "CosineAnnealingWarmRestarts": _SCHEDULE.format("CosRestarts"),
    "PolynomialLR": _SCHEDULE.format("Poly"),
    "CyclicLR": _SCHEDULE.format("Triangle"),
    "OneCycleLR": _SCHEDULE.format("OneCycle"),
    **each("LinearLR SequentialLR ChainedScheduler",
           "Sequence, Warmup and ComposedSchedule make a schedule of schedules"),
    "ReduceLROnPlateau": "s = Plateau(0.1), next_(s, loss) after each epoch, opt = Scheduler(ADAM(), eta=s)",
    **each("Losses loss functional", "losses stand in minigrad.losses and activations in minigrad.nn"),
    **each("load", "minigrad.checkpoint.load_(path, model=model); the underscore says that it overwrites"),
    **each("f32 f64", "minigrad.nn.{}(model) is the model in that precision"),
    "datasets": "minigrad.data.digits() and minigrad.data.breast_cancer() are shipped",
    "utils": "minigrad.data has DataLoader; minigrad.checkpoint saves; clipping is an optimiser: ClipGlobalNorm(1.0)",
}

NN = {
    "Linear": "Dense(n_in, n_out), or Dense(n_in, n_out, relu) with its activation",
    **each("Sequential ModuleList Model", "Chain(a, b, c), of layers and functions"),
    **each("Module Layer", "any class with Tensors in its attributes is a model: give it a method __call__, and "
           "params(model) finds them"),
    **each("Parameter Variable", "a parameter is a Tensor: self.W = Tensor(x)"),
    **activations(ReLU="relu", Sigmoid="sigmoid", Tanh="tanh", Softmax="softmax", LogSoftmax="logsoftmax", GELU="gelu",
                   ELU="elu", LeakyReLU="leakyrelu", Softplus="softplus", SiLU="swish", silu="swish", Swish="swish",
                   leaky_relu="leakyrelu", log_softmax="logsoftmax", Activation="relu"),
    **each("Conv1d Conv1D", "Conv((3,), n_in, n_out), on arrays of shape (batch, length, n_in)"),
    **each("Conv2d Conv2D", "Conv((3, 3), n_in, n_out), on arrays of shape (batch, height, width, n_in)"),
    **each("MaxPool1d MaxPool2d MaxPooling2D", "MaxPool((2, 2)), on arrays of shape (batch, height, width, n)"),
    **each("BatchNorm BatchNorm1d BatchNorm2d BatchNormalization GroupNorm",
           "LayerNorm(n), which normalises each sample by itself; there is no BatchNorm"),
    "LayerNormalization": "LayerNorm(n)",
    **each("Flatten Reshape", "flatten, a function: Chain(Conv((3, 3), 1, 8), flatten, Dense(n, 10))"),
    "Identity": "identity, a function",
    **each("functional F", "activations stand in minigrad.nn itself, losses in minigrad.losses"),
    "init": "initialisers are functions: Dense(2, 3, init=glorot_uniform)",
    **each("xavier_uniform_ xavier_uniform", "glorot_uniform"),
    **each("xavier_normal_ xavier_normal", "glorot_normal"),
    **each("RNNCell LSTMCell GRUCell", "layer.unroll(x, state), with an x of one moment, returns outputs and state"),
}

LOSSES = {
    **each(
        "cross_entropy CrossEntropyLoss softmax_cross_entropy sparse_categorical_crossentropy "
        "SparseCategoricalCrossentropy",
        "logitcrossentropy(scores, data.onehot(labels, classes)), of scores; crossentropy, of probabilities",
    ),
    **each("categorical_crossentropy CategoricalCrossentropy", "crossentropy(probabilities, onehot rows)"),
    **each("mse_loss MSELoss mean_squared_error MeanSquaredError squared_error l2_loss", "mse(yhat, y)"),
    **each("l1_loss L1Loss mean_absolute_error MeanAbsoluteError", "mae(yhat, y)"),
    **each("smooth_l1_loss SmoothL1Loss HuberLoss huber", "huber_loss(yhat, y, delta=1.0)"),
    **each("nll_loss NLLLoss", "crossentropy(probabilities, onehot rows); logitcrossentropy, of scores"),
    **each("binary_cross_entropy BCELoss binary_crossentropy", "binarycrossentropy(probability, y)"),
    **each("binary_cross_entropy_with_logits BCEWithLogitsLoss sigmoid_binary_cross_entropy",
           "logitbinarycrossentropy(score, y)"),
    **each("kl_div KLDivLoss kl_divergence", "kldivergence(yhat, y), of probabilities"),
    **each("hinge hinge_embedding_loss", "hinge_loss(yhat, y), with y of -1 and 1"),
    **each("poisson_nll_loss PoissonNLLLoss", "poisson_loss(yhat, y)"),
    **each("bce", "binarycrossentropy(probability, y); logitbinarycrossentropy(score, y)"),
}

DATA = {
    **each("Dataset TensorDataset from_tensor_slices", "data are arrays: DataLoader((x, y), batchsize=32)"),
    "random_split": "train, test = train_test_split((x, y), 0.2)",
    **each("onehotbatch one_hot to_categorical", "onehot(labels, classes)"),
    "onecoldbatch": "onecold(y)",
}

CHECKPOINT = {
    "load": "load_(path, model=model, opt=opt) overwrites them; load_(path) returns what is in a file",
    **each("dump save_model", "save(path, model=model, opt=opt)"),
    **each("restore load_model", "load_(path, model=model, opt=opt)"),
    "checkpoint": "minigrad.checkpointed(f, x) computes anew on the way back what it does not keep",
}

MODULES = {
    "": MINIGRAD,
    "nn": NN,
    "losses": LOSSES,
    "data": DATA,
    "checkpoint": CHECKPOINT,
    "optimise": {},
    "schedules": {},
    "training": {},
}

# ------------------------------------------------------------------------------------------ modules that are called
CALLED = {
    "": "gradient(f, x) differentiates, Tensor(x) makes a parameter",
    "bridge": "as_scipy(f, ps) makes a function for SciPy",
    "checkpoint": "checkpoint.save(path, model=model) writes one, and checkpointed(f, x) computes anew on the way "
    "back what it does not keep",
    "data": "data.DataLoader((x, y), batchsize=32) hands out batches",
    "joining": "r_[a, b] and c_[a, b] join arrays",
    "losses": "its functions are, as in losses.mse(yhat, y)",
    "nn": "nn.Chain(nn.Dense(2, 3, nn.relu), nn.Dense(3, 1)) is a network",
    "optimise": "ADAM() is an optimiser, and update_(opt, ps, grads) makes a step",
    "readers": "trace(f, x) makes a computation a value",
    "sampling": "its functions are, as in sampling.normal(mean, deviation)",
    "schedules": "Cos(0.1, 0.001, 100) is a schedule, and Scheduler(ADAM(), eta=schedule) follows it",
    "scipy": "its functions are, as in minigrad.scipy.logsumexp(t)",
    "array_api": "its functions are, as in array_api.exp(t)",
    "derivatives": "supported() lists the functions that have one",
    "training": "train_(loss, ps, data, opt) trains",
    "training.train": "train_(loss, ps, data, opt) trains",
    "calculus.adjoint": "minigrad.adjoint is the decorator",
    "calculus.gradcheck": "minigrad.gradcheck(f, x) checks",
    "core.gradient": "minigrad.gradient(f, x) differentiates",
    "core.params": "minigrad.params(model) collects parameters",
    "core.tensor": "minigrad.Tensor(x) makes a parameter",
}

# ------------------------------------------------------------------------------------------------------- keywords
KEYWORDS = {
    **HYPERPARAMETERS,
    **each("dim dims", "it is axis here"),
    "rate": "it is p of Dropout(p), and eta of the optimisers",
    "keepdim": "it is keepdims here",
    "batch_size": "it is batchsize here",
    "batchsize": "data make batches, arrays that belong together in one tuple: DataLoader((x, y), batchsize=32)",
    **each("drop_last drop_remainder", "it is partial=False here: without the last batch, if it is smaller"),
    **each("num_workers pin_memory collate_fn", "batches are made in the loop itself; leave it out"),
    **each("generator random_state seed key", "rng=0, or rng=np.random.default_rng(0), here"),
    **each("reduction reduce size_average",
           "it is agg here, a function: agg=np.sum, agg=np.mean, agg=lambda losses: losses"),
    **each("weight sample_weight", "it is agg here: agg=lambda losses: np.mean(weights * losses)"),
    "from_logits": "logitcrossentropy and logitbinarycrossentropy take scores",
    **each("in_features in_channels input_size num_embeddings input_dim", "it is n_in here, the first argument"),
    **each("out_features out_channels hidden_size units filters embedding_dim output_dim",
           "it is n_out here, after n_in"),
    "kernel_size": "the size of the window is the first argument: Conv((3, 3), n_in, n_out)",
    **each("use_bias with_bias", "it is bias here: Dense(2, 3, bias=False)"),
    "strides": "it is stride here",
    "padding": "it is pad here",
    "batch_first": "batches always come first: (batch, time, features)",
    "num_layers": "layers are put one after the other: Chain(LSTM(2, 3), LSTM(3, 3))",
    "kernel_initializer": "it is init here: Dense(2, 3, init=glorot_uniform)",
    "device": "leave it out: arrays live in the memory of the CPU",
    "requires_grad": "leave it out: what is differentiated is said when it is",
    **each("optimizer optimiser", "it is opt here: train_(loss, ps, data, opt)"),
    **each("callback callbacks", "it is cb here"),
    **each("loss_fn criterion", "the loss is the first argument: train_(loss, ps, data, opt)"),
    **each("n_epochs num_epochs", "it is epochs here"),
    "verbose": "it is progress here: False for the summary alone, \"silent\" for nothing",
    "argnums": "derivatives are taken with respect to all arguments: jacobian(lambda x: f(x, y), x) for x alone",
    "has_aux": "withgradient(f, x) of an f that returns (loss, whatever) passes the rest on",
    **each("create_graph retain_graph", "leave it out: gradients of gradients are taken by nesting"),
}

# ----------------------------------------------------------------------------- what turns a Tensor into plain numbers
PANDAS = (
    "the plain array, df.to_numpy(), in the place of a table or column of pandas, as in df.to_numpy() @ t; a table "
    "cannot hold Tensors"
)
MASKED = "plain arrays in the place of a masked array m: m.filled(0), with weights ~m.mask"

# What is looked for in the call as it is written, and in the names of NumPy's functions that are running ("np.full(").
CONVERSIONS = {
    r"\bc?math\.": "np.exp(t) for math.exp(t), np.sum(minigrad.array([t, u])) for math.fsum([t, u])",
    r"\bfull\(": "x * np.ones(shape), or np.broadcast_to(x, shape), for np.full(shape, x)",
    r"\b(vectorize|frompyfunc)\(": "the function on the whole Tensor, with NumPy's functions in it; or "
    "minigrad.array([f(x) for x in t])",
    r"\bfromiter\(": "minigrad.array([f(x) for x in t])",
    r"\b(ndenumerate|ndindex)\(": "NumPy's functions on whole arrays; for one number after the other, t[i, j] with "
    "the indices of np.ndindex(t.shape)",
    r"\barange\(": "np.linspace(a, b, n), or a + step * np.arange(n)",
    r"\b(asmatrix|matrix|bmat)\(": "the Tensor itself: t @ u is the product of matrices",
    r"\bnp\.ma\.": MASKED,
    r"(?<!np)\.dot\(": "a @ t, or np.dot(a, t), for a.dot(t)",
    r"(?<!np)\.(clip|searchsorted|choose|take|repeat|put|compress|round)\(": "NumPy's function in the place of the "
    "method, as in np.clip(a, t, u) for a.clip(t, u)",
    r"\brandom\.|\b(rng|generator)\.": "mean + deviation * rng.normal(size=n), or a function of minigrad.sampling",
    r"\b(?!array\b|asarray\b|float\b|Tensor\b)\w+\(\s*[\[(]": "np.stack([t, u]) or minigrad.array([t, u]) in the "
    "place of the list [t, u], as in np.sum(minigrad.array([t, u]))",
}
