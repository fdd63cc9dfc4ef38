"""mlplab: a lab bench for multi-layer perceptrons."""
