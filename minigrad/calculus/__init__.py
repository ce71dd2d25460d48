"""More than one gradient; in the order of reading:

    higher      jacobians, hessians, and products with them
    adjoint     derivatives of one's own, constants, hooks, checkpoints in time
    buffer      writing inside a gradient
    checked     arrays that are overwritten while the tape still needs them
    algebra     Params as sets, Grads as vectors
    vectors     parameters as one flat vector: copy_
    gradcheck   finite differences
"""
