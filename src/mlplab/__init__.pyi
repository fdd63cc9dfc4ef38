from mlplab.app.api import sweep as sweep
from mlplab.app.api import train as train
