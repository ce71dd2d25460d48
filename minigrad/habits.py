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
    **each("float half double int long bool type type_as",
           "t.astype(np.float32) changes the dtype, to that or any other"),
    # shapes
    **each("view view_as reshape_as unflatten", "t.reshape(2, -1) gives the numbers another shape"),
    **each("permute movedim", "t.transpose(2, 0, 1) reorders the axes; np.moveaxis(t, source, destination)"),
    "unsqueeze": "t[:, None] or np.expand_dims(t, axis) adds an axis",
    "t": "t.T is the transpose",
    "H": "t.conj().T, or t.mT.conj() of a stack of matrices",
    **each("expand expand_as", "np.broadcast_to(t, shape); operators broadcast by themselves"),
    "contiguous": "the layout in memory takes care of itself; use t as it is",
    **each("numel nelement", "t.size is how many numbers it holds"),
    **each("dim ndimension", "t.ndim is how many axes it has"),
    "resize": "np.resize(t, shape) and np.reshape(t, shape) return a new array",
    # functions
    **{name: f"NumPy's functions take Tensors: np.arc{name[1:]}(t)" for name in ("acos", "asin", "atan", "atan2")},
    **each("mm bmm matmul", "t @ u is the product of matrices"),
    "pow": "t ** 2, or np.power(t, u)",
    **each("add sub mul div", "operators: t + u, t - u, t * u, t / u"),
    **each("eq ne lt le gt ge", "comparisons are operators: t == u, t < u"),
    **each("inverse logdet", "np.linalg has inv, det, slogdet, solve and their like, which take Tensors"),
    "rsqrt": "1 / np.sqrt(t)",
    **each("addmm baddbmm", "b + t @ u"),
    **each("cat append", "np.concatenate([t, u]), or minigrad.array([...]) of numbers and Tensors"),
    **each("is_cuda get_device", "arrays live in the memory of the CPU"),
    **each("eval run", "there is nothing to wait for: an operation is done when it returns"),
    **each("to_numpy values", "t.data is the live ndarray, np.array(t) a copy"),
    "to_list": "t.tolist()",
    **each("clamp clip_", "t.clip(low, high), or np.clip(t, low, high)"),
    "clone": "t.copy(), which is recorded; inside a gradient it may be left out, since nothing is overwritten there",
    **each("relu sigmoid softmax gelu elu softplus", "minigrad.nn.{}(t)"),
    "log_softmax": "minigrad.nn.logsoftmax(t)",
    "logsumexp": "minigrad.nn.logsumexp(t)",
    "gather": "np.take_along_axis(t, indices, axis)",
    "index_select": "t.take(indices, axis), or t[indices]",
    "masked_fill": "np.where(mask, x, t)",
    "topk": "np.argsort(t)[::-1][:k] are the places of the k largest numbers, t[places] the numbers",
    **each("chunk unbind", "np.split(t, n, axis); for row in t goes through the first axis"),
    **each("narrow select", "t[i], t[:, 2:5]: reading by an index"),
    "unfold": "np.lib.stride_tricks.sliding_window_view(t, n, axis)",
    **each("new_zeros new_ones new_full", "np.zeros_like(t), np.ones_like(t); a constant is an array of NumPy"),
    "partition": "np.partition(t, kth) returns a copy",
    # what overwrites
    **each(
        "zero_ fill_ copy_ assign masked_fill_ clamp_ scatter_ index_put_ normal_ uniform_ bernoulli_ exp_ log_ sqrt_ "
        "abs_ neg_ tanh_ relu_ sigmoid_ round_ floor_ squeeze_ unsqueeze_ transpose_ resize_ detach_ fill_diagonal_",
        "t[...] = x overwrites a Tensor outside of a gradient; inside, np.where(mask, x, t) or a minigrad.Buffer",
    ),
    **each("add_ sub_ mul_ div_ pow_ matmul_ addmm_ assign_add assign_sub",
           "t[...] = t + x overwrites a Tensor outside of a gradient; a step of training is update_(opt, ps, grads)"),
    "put": "np.where(mask, x, t) returns a new array; outside of a gradient t[i] = x overwrites",
}

_RATE = "the learning rate is eta here: ADAM(eta=0.001), opt.eta = 0.001"
_DECAY = (
    "Optimiser(WeightDecay(1e-4), Descent(0.1)) adds to the gradient, ADAMW(0.001, decay=0.01, couple=True) is "
    "torch's and optax's AdamW"
)

# What hyperparameters are called: looked for as keywords and as attributes.
HYPERPARAMETERS = {
    **each("lr learning_rate rate alpha step_size eta0 lr0 learning_rate_init", _RATE),
    **each("betas b1 b2 beta1 beta2 beta_1 beta_2", "it is beta here, two numbers: ADAM(beta=(0.9, 0.999))"),
    **each("eps epsilon_", "it is epsilon here: ADAM(epsilon=1e-8)"),
    "eps_root": "epsilon stands outside of the root here: ADAM(epsilon=1e-8)",
    **each("weight_decay wd decay_rate l2", _DECAY),
    "decay": "how slowly an average forgets is rho or beta here; a rate that changes with the step is "
    "Scheduler(ADAM(), eta=minigrad.Exp(0.1, 0.99))",
    **each("lr_decay lr_schedule learning_rate_schedule schedule",
           "a rate that changes with the step is Scheduler(ADAM(), eta=minigrad.Exp(0.1, 0.99)), or ExpDecay as "
           "a stage"),
    "mu": "it is rho here: Momentum(eta, rho)",
    "l1": "give the gradient of the loss with it: loss + 1e-4 * sum(np.sum(np.abs(p)) for p in ps)",
    "dampening": "TorchSGD(eta, momentum, dampening) has one",
    "centered": "TorchRMSProp has it",
    **each("ema_momentum use_ema", "an average of the parameters is kept by a callback of train_"),
    **each("params parameters", "parameters are given with each step: update_(opt, ps, grads)"),
    **each("fused foreach capturable jit_compile",
           "leave it out: the steps of all parameters are compiled, and made at once, by themselves"),
    **each("mu_dtype accumulator_dtype", "state has the dtype of its parameter"),
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
    **each("param_groups add_param_group",
           "opt.eta = 0.1 sets a rate; Groups((ps_a, ADAM(0.1)), otherwise=ADAM()) has one for each group"),
    **each("add chain", "Optimiser(a, b) is a composition, and opt.append(stage) adds a stage to it"),
    **each("init build setup", "nothing is to be prepared: the state of a parameter is made with its first step"),
    **each("set_lr get_lr lr_scheduler adjust",
           "opt.eta is the rate, opt.eta = 0.1 sets it; Scheduler(ADAM(), eta=schedule) follows a schedule"),
    **each("grad gradient compute_gradients backward", "grads = gradient(lambda: loss(x, y), ps), before update_"),
    **each("train fit", "train_(loss, ps, data, opt)"),
    **each("iterations variables get_weights defaults get_config opt_state tx",
           "print(opt) shows its hyperparameters, opt.state[W] what it keeps for a parameter; "
           "minigrad.state_dict(opt, ps)"),
    **each("set_weights from_config", "minigrad.load_state_(opt, ps, saved)"),
    **each("reset clear_state", "a new optimiser has no state: opt = ADAM(opt.eta)"),
    "state_dict": "minigrad.state_dict(opt, ps) is a dict of arrays; minigrad.checkpoint.save writes a file",
    "load_state_dict": "minigrad.load_state_(opt, ps, saved), or minigrad.checkpoint.load_(path, model=model, opt=opt)",
}

MODEL = {
    "parameters": "params(model) collects the parameters of a model, of any kind",
    **each("named_parameters named_modules", "named_params(model) is a dict from places to the parameters there"),
    **each("trainable_variables trainable_weights weights", "params(model) collects the parameters of a model"),
    "forward": "a layer is called: model(x)",
    **each("apply predict call predict_proba transform", "a layer is called: model(x)"),
    "init": "a layer has its parameters from the beginning: Dense(2, 3)",
    "train": "trainmode_(model), of minigrad.nn",
    "eval": "testmode_(model), of minigrad.nn",
    **each("fit compile partial_fit fit_transform train_on_batch",
           "train_(loss, params(model), data, ADAM()), with loss = lambda x, y: mse(model(x), y)"),
    **each("evaluate score loss", "the loss is a function: mse(model(x), y)"),
    "backward": "gradients are returned: grads = gradient(lambda: mse(model(x), y), params(model))",
    "step": OPTIMISER["step"],
    **each("register_buffer register_parameter buffers",
           "an attribute is enough: a Tensor in it is a parameter, an array a constant"),
    **each("freeze trainable", "what is not to be trained is left out: ps = params(model), ps.delete_(model[0].W)"),
    "variables": "params(model) collects the parameters of a model, of any kind",
    "named_children": "named_params(model) is a dict from places to the parameters there",
    **each("pop remove", "a Chain of fewer layers is a part of it: model[:-1]"),
    **each("build reset_parameters", "a layer has its parameters from the beginning: Dense(2, 3)"),
    "load": "minigrad.checkpoint.load_(path, model=model) overwrites it",
    "summary": "print(model) shows the layers and how many parameters they have",
    **each("append add extend add_module insert", "a Chain of more layers is made: Chain(*model, layer)"),
    **each("children modules", "a Chain is gone through by for layer in model; model[0] is its first layer"),
    **each("weight kernel coef_", "the weight of a layer is W (Wi and Wh in recurrent ones), as in model[0].W"),
    **each("bias intercept_", "the bias of a layer is b, as in model[0].b"),
    **each("in_features in_channels input_size out_features out_channels hidden_size units",
           "the shape of its weight tells: n_in, n_out = model[0].W.shape for Dense"),
    "σ": "the activation of a layer is its field activation: model[0].activation",
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

PARAMS = {
    "parameters": "ps is the Params itself, and a sequence: for W in ps, ps[0]; list(ps)",
    **each("named_parameters keys items values",
           "ps.name_of(W) is the place of a parameter; named_params(model), a dict"),
    **each("append add extend", "ps.push_(W) adds a parameter"),
    **each("remove discard pop", "ps.delete_(W) removes a parameter"),
    "update": "ps.union_(others) adds parameters; a step is update_(opt, ps, grads)",
    **{name: OPTIMISER[name] for name in ("step", "zero_grad")},
    "grad": "gradients are returned: grads = gradient(lambda: loss(x, y), ps), then grads[W]",
    **each("state_dict load_state_dict", "named_params(model) is a dict; minigrad.checkpoint saves and loads"),
    **each("data numpy", "minigrad.copy_(x, ps) writes all numbers into one vector; W.data is the live ndarray of one"),
    **each("shape size numel", "len(ps) is how many parameters; sum(p.size for p in ps) how many numbers"),
    **each("to cpu cuda", "arrays live in the memory of the CPU; nn.f32(model) is a model in single precision"),
}

GRADS = {
    "grad": "grads[W] is the gradient with respect to W",
    **each("zero_ zero_grad", "every gradient(...) returns new gradients, so there is nothing to set to zero"),
    **each("clip clip_ clip_grad_norm_ clip_by_global_norm",
           "Optimiser(ClipGlobalNorm(1.0), ADAM()) clips before the step"),
    "global_norm": "grads.norm() is the norm of all gradients together",
    **each("mean sum data numpy shape",
           "grads[W] is a Tensor, grads.values() a list of them; 2 * grads and grads + grads work"),
    **each("update step apply", "update_(opt, ps, grads) makes a step: it overwrites the parameters"),
    **each("backward", "they are the gradients already: grads[W]"),
}

LOADER = {
    **each("dataset x y", "loader.data are the arrays that it was given"),
    "batch_size": "it is loader.batchsize here",
    **each("num_workers sampler collate_fn pin_memory", "batches are made in the loop itself: for x, y in loader"),
    **each("next get_next", "next(iter(loader)) is one batch; for x, y in loader goes through all"),
    **each("map filter take repeat prefetch cache reset",
           "it is a loop like any other: for x, y in loader; every loop begins anew"),
}

SCHEDULE = {
    **each("step", "opt = Scheduler(ADAM(), eta=schedule) goes on with every step; schedule(t) is the value at step t"),
    **each("get_lr get_last_lr lr value base_lrs", "schedule(t) is the value at step t, which counts from 1"),
    **each("epoch last_epoch iterations", "it counts no steps: schedule(t); Stateful(schedule) does"),
    **each("optimizer optimiser", "opt = Scheduler(ADAM(), eta=schedule)"),
    **each("state_dict load_state_dict", "it has no state; minigrad.state_dict(opt, ps) holds that of a Scheduler"),
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
    **each("gradients multigrad multigrad_dict value_and_gradient elementwise_grad",
           "gradient(f, x, y) returns the gradients of all arguments, withgradient(f, x, y) the value, too; of an "
           "elementwise f, gradient(lambda x: np.sum(f(x)), x)"),
    "hessp": "hvp(f, x, v)",
    **each("hessian_reverse hessian_vector_product", "hessian(f, x), and hvp(f, x, v) for its product with v"),
    "backward": TENSOR["backward"],
    "GradientTape": "the loss is a function: grads = gradient(lambda: loss(x, y), params(W, b))",
    "autograd": "gradient, pullback, jacobian and hessian stand in minigrad itself; @adjoint is a derivative of yours",
    **each("custom_vjp custom_jvp custom_gradient Function defvjp defjvp primitive rrule frule",
           "@adjoint above a function that returns y, lambda g: ..."),
    **each("no_grad enable_grad set_grad_enabled inference_mode", _NO_GRAD),
    **each("stop_gradient detach", "dropgrad(t)"),
    "ignore_derivatives": "ignore(f), or dropgrad(t)",
    **each("jit compile jit_compile function",
           "nothing needs compiling by hand; optimisers compile their steps themselves"),
    **each("vmap pmap", "write the function for a batch; NumPy broadcasts"),
    **each("Parameter Variable as_tensor parameter param", "Tensor(x) is a parameter"),
    "tensor": "Tensor([1.0, 2.0]) makes a parameter; whatever is not to be learnt is an array of NumPy",
    "from_numpy": "Tensor(a, copy=False) shares the memory of an ndarray, Tensor(a) copies it",
    "is_tensor": "isinstance(t, Tensor)",
    "cat": "np.concatenate([t, u]), or array([...]) of numbers and Tensors",
    **each("mm bmm", "t @ u is the product of matrices"),
    "clamp": "np.clip(t, low, high)",
    **each("set_default_dtype set_floatx",
           "dtypes are NumPy's: zeros(3, dtype=np.float32); nn.f32(model) is a model in it"),
    **each("remat checkpoint_sequential", "checkpointed(f, x) computes anew on the way back what it does not keep"),
    **each("tree_map tree_flatten tree_unflatten pytree tree_util",
           "gradients come back in the containers that the arguments are: tuples, lists, dicts, dataclasses"),
    **each("ravel_pytree unflatten", "flat, restructure = minigrad.nn.destructure(model)"),
    **each("lax device_put is_available", "NumPy's functions take Tensors; arrays live in the memory of the CPU"),
    **each("requires_grad grad_fn", TENSOR["requires_grad"]),
    **each("randint randperm",
           "indices are NumPy's: rng = np.random.default_rng(0), rng.integers(n), rng.permutation(n)"),
    **each("float16 float32 float64 bfloat16", "dtypes are NumPy's: zeros(3, dtype=np.float32)"),
    **each("device cuda to", "arrays live in the memory of the CPU; there is nothing to move"),
    **each("manual_seed PRNGKey set_seed", "seed(0), or rng=np.random.default_rng(0) where random numbers are made"),
    "random": "rand, randn, seed; minigrad.sampling has samples with a gradient",
    "numpy": "it is NumPy itself: import numpy as np; its functions take Tensors",
    **each("optim optimizer optimizers optimisers optimize Optimise Optimisers Optimizer",
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
    "add_decayed_weights": _DECAY,
    "named_parameters": "named_params(model) is a dict from places to the parameters there",
    "parameters": "params(model)",
    **each("set_detect_anomaly debug_nans", "train_ names the first operation that gave NaN or infinity"),
    **each("fit Trainer trainer", "train_(loss, params(model), data, ADAM())"),
    **each("model module state",
           "any object with Tensors is a model; its parameters are params(model), and minigrad.nn has layers"),
    **each("load_state_dict loads save_state pickle",
           "minigrad.checkpoint.save(path, model=model, opt=opt), minigrad.checkpoint.load_(path, model=model, "
           "opt=opt)"),
    "trainstep": "train_step_(loss, ps, datum, opt)",
    "EarlyStopping": "early_stopping(f, patience), as a callback of train_",
    **each("Callback ModelCheckpoint TensorBoard LearningRateScheduler",
           "a callback is a function that is called after each step: train_(loss, ps, data, opt, cb=lambda: ...)"),
    **each("LambdaLR lr_scheduler",
           "opt = Scheduler(ADAM(), eta=schedule), where any function of the step is a schedule"),
    "StepLR": _SCHEDULE.format("Step(0.1, 0.5, 30)"),
    "MultiStepLR": _SCHEDULE.format("Step(0.1, 0.5, [30, 50])"),
    **each("ExponentialLR exponential_decay ExponentialDecay", _SCHEDULE.format("Exp(0.1, 0.99)")),
    **each("CosineAnnealingLR cosine_decay_schedule CosineDecay", _SCHEDULE.format("Cos(0.1, 0.001, 100)")),
    **each("piecewise_constant PiecewiseConstantDecay piecewise_constant_schedule",
           _SCHEDULE.format("Step(0.1, 0.5, [30, 50])")),
    **each("constant_schedule ConstantLR", _SCHEDULE.format("Constant(0.1)")),
    "CosineAnnealingWarmRestarts": _SCHEDULE.format("CosRestarts"),
    "PolynomialLR": _SCHEDULE.format("Poly"),
    "CyclicLR": _SCHEDULE.format("Triangle"),
    "OneCycleLR": _SCHEDULE.format("OneCycle"),
    **each("LinearLR SequentialLR ChainedScheduler join_schedules linear_schedule WarmupCosine "
           "warmup_cosine_decay_schedule",
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
    **each("Conv3d Conv3D", "Conv((3, 3, 3), n_in, n_out), on arrays of shape (batch, depth, height, width, n_in)"),
    **each("AvgPool2d AveragePooling2D AdaptiveAvgPool2d GlobalAveragePooling2D",
           "a function in the Chain: lambda x: np.mean(x, axis=(1, 2)), of arrays of shape (batch, height, width, n)"),
    **each("linear conv2d", "a layer is called: Dense(n_in, n_out)(x), Conv((3, 3), n_in, n_out)(x)"),
    **each("Lambda Add Concatenate Permute Upsample Hardtanh ReLU6 Input",
           "a function serves as a layer: Chain(Dense(2, 3), lambda x: np.clip(x, 0, 6)); np.concatenate joins arrays"),
    **each("MultiheadAttention Transformer TransformerEncoder ConvTranspose2d Bilinear PReLU SELU Maxout Bidirectional",
           "there is none here; a class with Tensors in its attributes and a method __call__ is a layer"),
    **each("SimpleRNN Recur TimeDistributed", "RNN(n_in, n_out), LSTM, GRU take arrays of shape (batch, time, n_in)"),
    **each("MLP", "Chain(Dense(n_in, 32, relu), Dense(32, n_out))"),
    **each("ModuleDict Parallel SkipConnection",
           "a dict, or a class with layers in its attributes, is a model: params(model) finds them"),
    "he_normal": "kaiming_normal, an initialiser: Dense(2, 3, init=kaiming_normal)",
    **each("BatchNorm BatchNorm1d BatchNorm2d BatchNormalization GroupNorm InstanceNorm InstanceNorm2d",
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
    **each("log_loss", "crossentropy(probabilities, onehot rows); binarycrossentropy(probability, y)"),
    **each("softmax_cross_entropy_with_integer_labels", "logitcrossentropy(scores, data.onehot(labels, classes))"),
    **each("rmse", "np.sqrt(mse(yhat, y))"),
    **each("accuracy accuracy_score", "np.mean(data.onecold(yhat) == labels)"),
    **each("r2_score", "1 - mse(yhat, y) / np.var(y)"),
    **each("cosine_similarity", "np.sum(a * b) / (np.linalg.norm(a) * np.linalg.norm(b))"),
    **each("focal_loss dice_loss triplet_margin_loss ctc_loss gaussian_nll_loss multi_margin_loss logcosh",
           "a loss is a function that returns one number, written in NumPy"),
    **each("bce", "binarycrossentropy(probability, y); logitbinarycrossentropy(score, y)"),
}

DATA = {
    **each("Dataset TensorDataset from_tensor_slices", "data are arrays: DataLoader((x, y), batchsize=32)"),
    **each("batch batches eachobs", "for x, y in DataLoader((x, y), batchsize=32)"),
    **each("shuffle shuffleobs Sampler BatchSampler", "DataLoader((x, y), batchsize=32, shuffle=True)"),
    **each("Subset ConcatDataset IterableDataset default_collate",
           "data are arrays, x[indices], np.concatenate([x, z]); train_ also takes any iterable of batches"),
    **each("StandardScaler normalize", "(x - x.mean(axis=0)) / x.std(axis=0)"),
    **each("LabelEncoder",
           "names, labels = np.unique(classes, return_inverse=True); onehot(labels, range(len(names)))"),
    **each("splitobs KFold", "train, test = train_test_split((x, y), 0.2)"),
    **each("MNIST CIFAR10 load_digits load_iris get_dataset", "digits() and breast_cancer() are shipped"),
    "random_split": "train, test = train_test_split((x, y), 0.2)",
    **each("onehotbatch one_hot to_categorical", "onehot(labels, classes)"),
    "onecoldbatch": "onecold(y)",
}

CHECKPOINT = {
    "load": "load_(path, model=model, opt=opt) overwrites them; load_(path) returns what is in a file",
    **each("dump save_model save_state save_checkpoint Checkpoint CheckpointManager",
           "save(path, model=model, opt=opt)"),
    **each("restore load_model load_checkpoint load_state_dict load_weights", "load_(path, model=model, opt=opt)"),
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
    "label_smoothing": "of the labels: minigrad.label_smoothing(y, 0.1) makes them less sure",
    "ignore_index": "it is agg here: agg=lambda losses: np.mean(losses[labels != -100])",
    "pos_weight": "it is agg here: agg=lambda losses: np.mean(weights * losses)",
    **each("multioutput average", "it is agg here, a function: agg=np.sum, agg=np.mean, agg=lambda losses: losses"),
    "sampler": "batches are made in the loop itself: shuffle=True, or an iterable of batches of your own",
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
