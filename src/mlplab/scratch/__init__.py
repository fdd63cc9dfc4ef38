"""A multi-layer perceptron from scratch: NumPy, and the matrix product of SciPy's BLAS.

engines/ enter here, and so does whoever wants to learn. Read the files in this order; each is one idea:

1. ``activations``   what a unit does with its input, and the derivative of that
2. ``losses``        how wrong the outputs are, and the gradient of that
3. ``initializers``  where the weights start
4. ``network``       forward: inputs to logits; backward: the chain rule, layer by layer
5. ``penalties``     what large weights cost
6. ``gradients``     what the chain rule hands to the optimizer
7. ``optimizers``    how a gradient becomes a step

``products`` holds the matrix product that the others use.

Arrays carry the names of their axes as a suffix: ``x_BI`` is a batch of B rows with I numbers each.

    B  rows of a minibatch          I  inputs of a layer (fan_in)
    K  classes                      O  outputs of a layer (fan_out)
    M, N, O  in ``products``: the shapes of any product

A training step works in place, on buffers that are allocated once: with sigmoid, tanh and relu it allocates only a few
numbers per row of the batch, with the newer activations a few arrays as large as a layer's outputs.
"""
