"""The gradient of one array of parameters, kept as the two factors of its product."""

from dataclasses import dataclass

from mlplab.scratch.penalties import Penalty
from mlplab.scratch.products import Floats, product


@dataclass(frozen=True, slots=True)
class Gradient:
    """dL/d theta = a^T delta, plus the penalty's gradient; computed when an optimizer says where to.

    Attributes:
        a_BI: the inputs that the parameters were multiplied by.
        delta_BO: dL/dz, where z = a theta + ...
        theta_IO: the parameters themselves, which the optimizer updates in place.
        penalty: on these parameters; None on biases.
    """

    a_BI: Floats
    delta_BO: Floats
    theta_IO: Floats
    penalty: Penalty | None

    def add_to(self, out_IO: Floats, scale: float = 1.0, keep: float = 1.0) -> None:
        """Compute ``out <- keep * out + scale * gradient``, in place; ``out`` may be ``theta`` itself."""
        if self.penalty is not None:
            if keep == 0:
                out_IO.fill(0)  # 0 * nan would be nan
            elif keep != 1:
                out_IO *= keep
            self.penalty.add_gradient(self.theta_IO, out_IO, scale)
            keep = 1.0
        product(self.a_BI.T, self.delta_BO, out_IO, scale, keep)
